import { describe, expect, test } from '@jest/globals';
import type { Sandbox, SandboxStatus } from '../../src/api/sandbox.ts';
import { rfc3339 } from '../../src/base/clock.ts';
import type { Action } from '../../src/domain/action.ts';
import { plan } from '../../src/domain/plan.ts';
import { aPodOf, aSandbox, aTemplate, aWorkspace } from '../support/resources.ts';
import { makeModelCluster, type ModelCluster } from './model/cluster.ts';
import { reconcileSandbox, writes } from './model/controller.ts';
import { demo, head, held, kinds, NOW, planned, running, said, statusOf } from './planning.ts';

const at = (ms: number): string => rfc3339(NOW + ms);
const open = { workspace: held(['Open'], { head }), pod: running };
const requeueOf = (actions: readonly Action[]): number | undefined => {
  const last = actions.at(-1);
  return last?.kind === 'requeue' ? last.afterMs : undefined;
};
/** Ready for so many milliseconds. */
const readyFor = (ms: number, more: SandboxStatus = {}) =>
  demo.status({ ...statusOf(planned(demo, open)), run: { startedAt: at(-ms - 5_000), readyAt: at(-ms) }, ...more });
const after = (ms: number, of: ReturnType<typeof readyFor>): readonly Action[] =>
  plan({ now: NOW + ms, sandbox: of.build(), template: aTemplate(), ...open });

describe('the end of a lifetime', () => {
  test('is counted from the first Ready [A2.2]', () => {
    const waiting = statusOf(planned(demo, { workspace: held(), pod: aPodOf(demo.build()) }));
    expect(waiting.run).toEqual({ startedAt: at(0) });
    expect(waiting).not.toHaveProperty('expiresAt');
    const ready = statusOf(after(60_000, demo.status(waiting)));
    expect(ready).toMatchObject({ run: { startedAt: at(0), readyAt: at(60_000) }, expiresAt: at(60_000 + 7_200_000) });
  });

  test('is waited for, and the clock looked at meanwhile', () => {
    expect(requeueOf(after(0, readyFor(0)))).toBe(300_000);
    expect(requeueOf(after(0, readyFor(7_199_000)))).toBe(1_000);
  });

  test('is written down first, on the Sandbox that was judged, and nothing else is done', () => {
    const actions = after(0, readyFor(7_200_000));
    expect(kinds(actions)).toEqual(['writeSandboxStatus', 'requeue']);
    expect(requeueOf(actions)).toBe(0);
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'Stopping' });
    expect(said(actions, 'Ready')?.message).toBe(`its lifetime of 7200 s was over at ${at(0)}; the pod is being ended`);
    expect(statusOf(actions)).toMatchObject({ phase: 'Saving', stopReason: 'expired', expiresAt: at(0) });
    expect(statusOf(actions).run).not.toHaveProperty('ended');
  });

  test('then ends the pod, while the Sandbox is as it was seen, with the grace of its template', () => {
    const announced = readyFor(7_200_000, { stopReason: 'expired' }).build();
    const annotated = {
      ...announced,
      metadata: { ...announced.metadata, annotations: { 'matrx.dev/stop-grace-seconds': '0' } },
    };
    const [first] = plan({ now: NOW, sandbox: annotated, template: aTemplate(), ...open });
    expect(first).toEqual({
      kind: 'deletePod',
      name: 'demo',
      uid: 'uid-of-pod',
      assuming: [{ kind: 'sandboxUnchanged', sandbox: { name: 'demo', uid: 'uid-of-demo', resourceVersion: '1' } }],
    });
  });

  test('moves with ttlSeconds alone', () => {
    const longer = readyFor(7_200_000).with({ lifetime: { ttlSeconds: 7_260, onExpire: 'Stop', retainSeconds: 0 } });
    expect(statusOf(after(0, longer))).toMatchObject({ expiresAt: at(60_000), phase: 'Ready' });
    expect(requeueOf(after(0, longer))).toBe(60_000);
  });

  test('comes no later for a clock that was ahead when the run began', () => {
    const ahead = readyFor(-86_400_000);
    expect(statusOf(after(0, ahead))).toMatchObject({ run: { readyAt: at(0) }, expiresAt: at(7_200_000) });
  });

  test('does not come while the clock is behind, and comes back when the clock was wrong', () => {
    const over = readyFor(7_200_000);
    expect(statusOf(after(-1, over)).phase).toBe('Ready');
    expect(statusOf(after(0, over)).phase).toBe('Saving');
    const announced = readyFor(7_200_000, { stopReason: 'expired' });
    expect(statusOf(after(-1, announced)).phase).toBe('Ready');
  });

  test('comes for a Sandbox that was written past its defaults', () => {
    const { spec, ...rest } = readyFor(7_200_000).build();
    const { lifetime: _lifetime, ...without } = spec;
    const sandbox = { ...rest, spec: without } as Sandbox;
    expect(statusOf(plan({ now: NOW, sandbox, template: aTemplate(), ...open })).phase).toBe('Saving');
  });
});

describe('the record of a finished sandbox', () => {
  const rested = (saved: 'True' | 'False' = 'True', more: SandboxStatus = {}) => {
    const stopped = demo.wanted('Stopped').with({ lifetime: { ttlSeconds: 60, onExpire: 'Stop', retainSeconds: 60 } });
    const status = statusOf(planned(stopped, { workspace: aWorkspace('ann', { epoch: 3 }) }));
    const conditions = status.conditions?.map((one) =>
      one.type === 'WorkspaceSaved' ? { ...one, status: saved, reason: saved === 'True' ? 'Saved' : 'Fenced' } : one,
    );
    return stopped.status({ ...status, ...(conditions === undefined ? {} : { conditions }), ...more });
  };
  const later = (ms: number, of: ReturnType<typeof rested>): readonly Action[] =>
    plan({
      now: NOW + ms,
      sandbox: of.build(),
      template: aTemplate(),
      workspace: aWorkspace('ann', { epoch: 3 }),
      pod: undefined,
    });

  test('is waited for, and then deleted as it was seen', () => {
    expect(later(59_000, rested())).toEqual([{ kind: 'requeue', afterMs: 1_000 }]);
    expect(later(60_000, rested())[0]).toEqual({
      kind: 'deleteSandbox',
      sandbox: { name: 'demo', uid: 'uid-of-demo', resourceVersion: '1' },
      assuming: expect.arrayContaining([expect.objectContaining({ kind: 'noPodOf' })]),
    });
  });

  test('stays while anything is unsaved', () => {
    expect(kinds(later(3_600_000, rested('False')))).toEqual([]);
  });

  test('stays while the status speaks of an older spec', () => {
    expect(kinds(later(3_600_000, rested('True', { observedGeneration: 0 })))).toEqual([
      'writeSandboxStatus',
      'requeue',
    ]);
  });

  test('does not wait for the error of a clock that was ahead', () => {
    const actions = later(0, rested('True', { stoppedAt: at(86_400_000) }));
    expect(statusOf(actions).stoppedAt).toBe(at(0));
    expect(requeueOf(actions)).toBe(60_000);
  });

  test('of a sandbox without anything to keep goes too', () => {
    const ephemeral = aSandbox('demo').finalized().ephemeral().wanted('Stopped');
    const status = statusOf(planned(ephemeral));
    const actions = plan({
      now: NOW + 86_400_000,
      sandbox: ephemeral.status(status).build(),
      template: aTemplate(),
      workspace: undefined,
      pod: undefined,
    });
    expect(kinds(actions)).toEqual(['deleteSandbox']);
  });
});

describe('a ttl that is raised in the very moment of the end', () => {
  const untilReady = (): ModelCluster => {
    const cluster = makeModelCluster();
    cluster.user.create('first');
    while (writes(reconcileSandbox(cluster.api, 'first')).length > 0 || cluster.node.step('first'));
    return cluster;
  };

  test.each(['use', 'heartbeat'] as const)(
    'a sign of %s wins as well: an idle end is refused by the API server',
    (sign) => {
      const { api, user } = untilReady();
      user.lifetime('first', { [sign === 'use' ? 'idleSeconds' : 'heartbeatSeconds']: 60 });
      reconcileSandbox(api, 'first');
      api.tick(60_000);
      user[sign]('first');
      expect(writes(reconcileSandbox(api, 'first', { lag: { sandboxes: 1 } }))).toEqual([]);
      expect(api.newest().sandboxes.get('first')?.status?.run).not.toHaveProperty('ended');
      api.tick(60_000);
      reconcileSandbox(api, 'first');
      expect(api.newest().sandboxes.get('first')?.status?.run).toHaveProperty('ended');
    },
  );

  test('wins: the controller that has not seen it yet ends nothing [T3]', () => {
    const { api, user } = untilReady();
    api.tick(7_200_000);
    user.lifetime('first', { ttlSeconds: 7_300 });
    expect(writes(reconcileSandbox(api, 'first', { lag: { sandboxes: 1 } }))).toEqual([]);
    expect(api.newest().pods.get('first')?.metadata.deletionTimestamp).toBeUndefined();
    reconcileSandbox(api, 'first');
    expect(api.newest().sandboxes.get('first')?.status).toMatchObject({ phase: 'Ready' });
  });

  test('or comes too late for this pod, and the next one is of the same run', () => {
    const { api, user, settle } = untilReady();
    const { run } = api.newest().sandboxes.get('first')?.status ?? {};
    api.tick(7_200_000);
    reconcileSandbox(api, 'first');
    user.lifetime('first', { ttlSeconds: 86_400 });
    settle();
    expect(api.newest().sandboxes.get('first')?.status).toMatchObject({ phase: 'Ready', run });
  });
});
