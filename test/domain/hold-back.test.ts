import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import type { SandboxStatus } from '../../src/api/sandbox.ts';
import { aPodOf, type SandboxBuilder } from '../support/resources.ts';
import { demo, held, kinds, NOW, planned, sandbox, scheduled, waiting } from './planning.ts';

const ephemeral = demo.ephemeral();
const podMade = (agoMs: number, pod: Pod = aPodOf(sandbox)): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, creationTimestamp: new Date(NOW - agoMs).toISOString() },
});
const saying = (reason: string, more: Partial<SandboxStatus> = {}): SandboxStatus => ({
  observedGeneration: 1,
  conditions: [{ type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: '2026-01-01T11:59:00Z' }],
  ...more,
});
const told = (of: SandboxBuilder, seen: Parameters<typeof planned>[1]): boolean =>
  kinds(planned(of, seen)).includes('writeSandboxStatus');

describe('the status of a start on its way', () => {
  test('waits until its pod is five seconds old, fifteen where it waits for a node, and is looked at again then', () => {
    expect(planned(ephemeral, { pod: podMade(400, scheduled()) })).toEqual([{ kind: 'requeue', afterMs: 4_600 }]);
    expect(told(ephemeral, { pod: podMade(5_000, scheduled()) })).toBe(true);
    expect(planned(ephemeral, { pod: podMade(5_000) })).toEqual([{ kind: 'requeue', afterMs: 10_000 }]);
    expect(told(ephemeral, { pod: podMade(15_000) })).toBe(true);
  });

  test('waits too where only the station is another one', () => {
    const before = saying('CreatingPod', { podUid: aPodOf(sandbox).metadata.uid ?? '' });
    expect(told(demo.status(before), { pod: podMade(400), workspace: held() })).toBe(false);
  });

  const cases: readonly (readonly [string, SandboxBuilder, Parameters<typeof planned>[1]])[] = [
    ['a pod whose home the node driver has to open', demo, { pod: podMade(400), workspace: held() }],
    ['the only pod of a run', ephemeral.with({ restartPolicy: 'Never' }), { pod: podMade(400) }],
    ['a trouble', ephemeral, { pod: podMade(400, waiting('ErrImagePull', 'not found')) }],
    ['one that was said to have stopped', ephemeral.status(saying('Stopped')), { pod: podMade(400) }],
    ['one that was said to be Ready', ephemeral.status(saying('PodReady')), { pod: podMade(400) }],
    [
      'another spec than the status speaks of',
      ephemeral.status(saying('CreatingPod', { observedGeneration: 0 })),
      { pod: podMade(400) },
    ],
    ['a pod from the future', ephemeral, { pod: podMade(-60_000) }],
    ['a pod of no known age', ephemeral, { pod: aPodOf(sandbox) }],
  ];
  test.each(cases)('is written at once for %s', (_what, of, seen) => {
    expect(told(of, seen)).toBe(true);
  });
});
