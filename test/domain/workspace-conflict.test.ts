import { describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import type { Workspace, WorkspaceStatus } from '../../src/api/workspace.ts';
import type { WorkspaceConflict } from '../../src/api/workspace-conflict.ts';
import { planWorkspace } from '../../src/domain/plan-workspace.ts';
import { withLost } from '../../src/domain/workspace-conflict.ts';
import { aSandbox, aSession, aWorkspace, heldBy } from '../support/resources.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const lost: WorkspaceConflict = { epoch: 3, node: 'node-1', since: '2026-01-01T11:00:00Z' };
const kept: WorkspaceConflict = { ...lost, manifest: '.ws/conflicts/0000000003-0123456789abcdef.json.gz' };

const said = (status: WorkspaceStatus, type: string, spec: Partial<Workspace['spec']> = {}) => {
  const workspace = aWorkspace('ann', status);
  const of = { ...workspace, spec: { ...workspace.spec, ...spec } };
  const [action] = planWorkspace({ now: NOW, workspace: of, holder: aSandbox('demo').build(), pod: undefined });
  return action?.kind === 'writeWorkspaceConditions' ? findCondition(action.conditions, type) : undefined;
};

describe('the condition Conflict', () => {
  test('is unknown while a lost node may have files, and says which', () => {
    expect(said({ conflicts: [lost] }, 'Conflict')).toMatchObject({ status: 'Unknown', reason: 'NodeLost' });
    expect(said({ conflicts: [lost] }, 'Conflict')?.message).toContain('node node-1 was lost at 2026-01-01T11:00:00Z');
  });

  test('is true once they are kept, also when another session has begun since, and says where they are', () => {
    const status = {
      ...heldBy(aSandbox('demo').build(), 4),
      session: aSession('Open', { epoch: 4 }),
      conflicts: [kept],
    };
    expect(said(status, 'Conflict')).toMatchObject({ status: 'True', reason: 'Fenced' });
    expect(said(status, 'Conflict')?.message).toContain(kept.manifest);
  });

  test('says first what is kept, where there is both', () => {
    expect(said({ conflicts: [kept, { ...lost, epoch: 5 }] }, 'Conflict')).toMatchObject({ status: 'True' });
  });

  test.each([
    ['somebody has looked at it', { conflicts: [kept], session: aSession('Conflict') }, { conflictsSeen: 3 }],
    ['a lost node is not waited for any more', { conflicts: [lost] }, { conflictsSeen: 3 }],
    [
      'its files were made the home',
      {
        conflicts: [kept],
        restored: { requestId: 'r', sequence: 1, manifest: kept.manifest ?? '', at: '2026-01-01T11:30:00Z' },
      },
      {},
    ],
  ])('is false when %s', (_what, status, spec) => {
    expect(said(status, 'Conflict', spec)).toMatchObject({ status: 'False', reason: 'NoConflict' });
  });

  test('is true again of an epoch after those that were looked at', () => {
    expect(said({ conflicts: [kept, { ...kept, epoch: 7 }] }, 'Conflict', { conflictsSeen: 3 })).toMatchObject({
      status: 'True',
    });
  });
});

describe('the condition Saved of a workspace whose node was lost', () => {
  test.each([
    ['is unknown, where the last that was heard of it was saved', aSession('Open'), 'Unknown'],
    ['is false, where something was not', aSession('Open', { dirty: true }), 'False'],
  ])('%s', (_what, session, status) => {
    expect(said({ session, conflicts: [lost] }, 'Saved')).toMatchObject({ status, reason: 'NodeLost' });
  });

  test('speaks of the next session once there is one', () => {
    expect(said({ session: aSession('Open', { epoch: 4 }), conflicts: [lost] }, 'Saved')).toMatchObject({
      status: 'True',
    });
  });
});

test('of many epochs that were lost, the newest twenty are told of', () => {
  const conflicts = Array.from({ length: 20 }, (_, index) => ({ ...lost, epoch: index + 1 }));
  const after = withLost(aWorkspace('ann', { conflicts }), { epoch: 21, node: 'node-2' }, NOW);
  expect(after).toHaveLength(20);
  expect(after.at(-1)).toEqual({ epoch: 21, node: 'node-2', since: '2026-01-01T12:00:00Z' });
});
