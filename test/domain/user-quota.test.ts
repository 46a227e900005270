import { describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { UserQuota, UserUsage } from '../../src/domain/user-quota.ts';
import { bytesStored, sandboxesAhead } from '../../src/domain/user-quota.ts';
import { aSandbox, aWorkspace } from '../support/resources.ts';
import { demo, head, held, kinds, NOW, planned, running, said } from './planning.ts';

const GIB = 2 ** 30;

describe('the sandboxes of a user that go before one', () => {
  const made = (name: string, creationTimestamp: string): Sandbox => {
    const sandbox = aSandbox(name).build();
    return { ...sandbox, metadata: { ...sandbox.metadata, creationTimestamp } };
  };
  const [first, second, third] = [
    made('c', '2026-01-01T00:00:01Z'),
    made('a', '2026-01-01T00:00:02Z'),
    made('b', '2026-01-01T00:00:02Z'),
  ] as const;
  const all = [third, first, second];
  const ahead = (of: Sandbox, withPod: readonly Sandbox[] = [], among = all): number =>
    sandboxesAhead(of, among, (one) => withPod.includes(one), NOW);

  test('are those that were made before it; of the same second, one of any two', () => {
    expect([first, second, third].map((one) => ahead(one))).toEqual([0, 1, 2]);
  });

  test('are those that have a pod, whenever they were made', () => {
    expect(ahead(first, [third])).toBe(1);
    expect(ahead(third, [third])).toBe(2);
  });

  test('are none that are not to run', () => {
    const stopped = { ...first, spec: { ...first.spec, desiredState: 'Stopped' as const } };
    expect(ahead(third, [stopped], [stopped, second, third])).toBe(1);
  });
});

test('what a user has stored are the homes of all workspaces and their cold storage', () => {
  const coldUsage = { objects: 1, bytes: 30, complete: true, countedAt: '2026-01-01T00:00:00Z' };
  expect(bytesStored([aWorkspace('ann', { head, coldUsage }), aWorkspace('ann', {}, 'notes')])).toBe(39);
});

describe('a sandbox of a user with a quota', () => {
  const under = (userQuota: UserQuota, usage: UserUsage) => ({
    installation: { userQuota },
    usage,
    workspace: held(),
  });

  test('gets a pod as long as one more is within it', () => {
    const seen = under({ sandboxes: 2, bytes: GIB }, { sandboxes: 1, bytes: GIB });
    expect(kinds(planned(demo, seen))).toContain('createPod');
  });

  test('waits when the user has as many as that, takes no workspace meanwhile, and looks again', () => {
    const seen = { ...under({ sandboxes: 2 }, { sandboxes: 2, bytes: 0 }), workspace: undefined };
    const actions = planned(demo, seen);
    expect(kinds(actions)).toEqual(['writeSandboxStatus', 'requeue']);
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'QuotaExceeded' });
    expect(said(actions, 'Ready')?.message).toContain('may have 2');
    expect(said(actions, 'Stalled')).toBeUndefined();
  });

  test('waits when the user has stored more, and is told how much', () => {
    const actions = planned(demo, under({ bytes: GIB }, { sandboxes: 0, bytes: 2 * GIB }));
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'QuotaExceeded' });
    expect(said(actions, 'Ready')?.message).toContain('has stored 2048.0 MiB and may store 1024.0 MiB');
  });

  test('is not disturbed once it runs, nor when its pod has to be replaced', () => {
    const over = under({ sandboxes: 1, bytes: 1 }, { sandboxes: 5, bytes: GIB });
    const ran = demo.status({ run: { startedAt: '2026-01-01T11:00:00Z', readyAt: '2026-01-01T11:00:01Z' } });
    expect(said(planned(demo, { ...over, workspace: held(['Open']), pod: running }), 'Ready')?.status).toBe('True');
    expect(kinds(planned(ran, over))).toContain('createPod');
  });
});
