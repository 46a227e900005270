import { describe, expect, it } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { sandboxState } from '../../src/facade/sandbox-status.ts';
import { aSandbox } from '../support/resources.ts';
import { notReady, ready, stalled, stopped } from './support/statuses.ts';

const cases: readonly (readonly [string, Sandbox, string])[] = [
  ['one that the controller has not seen', aSandbox().build(), 'creating'],
  ['one that waits for its workspace', aSandbox().status(notReady('WorkspaceInUse')).build(), 'creating'],
  [
    'one whose pod is coming up',
    aSandbox()
      .status(notReady('RestoringWorkspace', '', { podName: 'p' }))
      .build(),
    'starting',
  ],
  [
    'one whose pod has died and is replaced',
    aSandbox()
      .status(notReady('PodFailed', '', { podName: 'p' }))
      .build(),
    'starting',
  ],
  ['one that takes commands', aSandbox().status(ready('p')).build(), 'ready'],
  [
    'one with a heartbeat',
    aSandbox()
      .status(ready('p', { lastHeartbeatTime: '2026-01-02T00:00:00Z' }))
      .build(),
    'running',
  ],
  ['one that only a person can help', aSandbox().status(stalled('TemplateNotFound')).build(), 'failed'],
  [
    'one whose pod is lost for good, and which is being saved',
    aSandbox()
      .status(
        notReady('Stopping', '', {
          stopReason: 'error',
          run: { startedAt: '2026-01-02T00:00:00Z', ended: { by: 'PodLost', at: '2026-01-02T00:00:01Z' } },
        }),
      )
      .build(),
    'shutting_down',
  ],
  [
    'one that has ended with its pod',
    aSandbox()
      .status(
        notReady('PodLost', '', {
          stopReason: 'error',
          run: { startedAt: '2026-01-02T00:00:00Z', ended: { by: 'PodLost', at: '2026-01-02T00:00:01Z' } },
        }),
      )
      .build(),
    'failed',
  ],
  ['one that was just asked to stop', aSandbox().wanted('Stopped').status(ready('p')).build(), 'shutting_down'],
  [
    'one that is being saved',
    aSandbox().wanted('Stopped').status(notReady('SavingWorkspace')).build(),
    'shutting_down',
  ],
  [
    'one that was stalled and is asked to stop',
    aSandbox().wanted('Stopped').status(stalled('BucketNotFound')).build(),
    'shutting_down',
  ],
  ['one that is being deleted', aSandbox().deleted().status(ready('p')).build(), 'shutting_down'],
  ['one that has ended', aSandbox().wanted('Stopped').status(stopped(true)).build(), 'stopped'],
  [
    'one whose time is over',
    aSandbox()
      .wanted('Stopped')
      .status(stopped(true, { stopReason: 'expired' }))
      .build(),
    'expired',
  ],
  [
    'one whose lifetime is over, and which is being saved [A2.1]',
    aSandbox()
      .status(notReady('SavingWorkspace', '', { podName: 'p', stopReason: 'expired' }))
      .build(),
    'shutting_down',
  ],
  [
    'one whose lifetime is over [A2.1]',
    aSandbox()
      .status(notReady('Expired', '', { stopReason: 'expired', lastHeartbeatTime: '2026-01-02T00:00:00Z' }))
      .build(),
    'expired',
  ],
  [
    'one whose lifetime is over and which was to be suspended then',
    aSandbox()
      .with({ lifetime: { ttlSeconds: 60, onExpire: 'Suspend', retainSeconds: 0 } })
      .status(notReady('Expired', '', { stopReason: 'expired' }))
      .build(),
    'suspended',
  ],
  [
    'one whose lifetime was made longer a moment ago',
    aSandbox()
      .status(notReady('Expired', '', { stopReason: 'expired', observedGeneration: 0 }))
      .build(),
    'creating',
  ],
  [
    'one that had ended before it was started and stopped again',
    aSandbox()
      .wanted('Stopped')
      .status(stopped(true, { observedGeneration: 0 }))
      .build(),
    'shutting_down',
  ],
  ['one that is being suspended', aSandbox().wanted('Suspended').status(ready('p')).build(), 'shutting_down'],
  ['one that is suspended', aSandbox().wanted('Suspended').status(notReady('Suspended')).build(), 'suspended'],
];

describe('the state of a sandbox', () => {
  it.each(cases)('%s', (_what, sandbox, state) => {
    expect(sandboxState(sandbox)).toBe(state);
  });
});
