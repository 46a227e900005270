import { describe, expect, test } from '@jest/globals';
import type { Node } from '../../src/api/node.ts';
import type { Workspace, WorkspaceStatus } from '../../src/api/workspace.ts';
import { type ObservedWorkspace, planWorkspace } from '../../src/domain/plan-workspace.ts';
import { aPodOf, aSandbox, aSession, aWorkspace, heldBy } from '../support/resources.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const gone = aSandbox('demo').build();
const node = (name: string, status: 'True' | 'Unknown', since = '2026-01-01T11:00:00Z'): [string, Node] => [
  name,
  { metadata: { name }, status: { conditions: [{ type: 'Ready', status, lastTransitionTime: since }] } },
];
const lost = new Map([node('node-1', 'Unknown'), node('node-2', 'True')]);
const orphaned = (status: WorkspaceStatus): Workspace => aWorkspace('ann', { ...heldBy(gone), ...status });
const planned = (workspace: Workspace, seen: Partial<ObservedWorkspace> = {}) =>
  planWorkspace({ now: NOW, workspace, holder: undefined, pod: undefined, nodes: lost, ...seen });
const kinds = (...of: Parameters<typeof planned>) => planned(...of).map(({ kind }) => kind);

// Before, only the node could give such a lock up: the user's next sandbox waited for it for ever.
describe('the lock of a Sandbox that is gone, on a node that is lost', () => {
  test('is given up, and with the same write it is said what may be there', () => {
    expect(planned(orphaned({ session: aSession('Open', { dirty: true }) }))[0]).toMatchObject({
      kind: 'releaseWriter',
      epoch: 3,
      conflicts: [{ epoch: 3, node: 'node-1', since: '2026-01-01T12:00:00Z' }],
      assuming: [{ kind: 'sandboxGone' }, { kind: 'noPodOf' }, { kind: 'nodeLost', node: 'node-1' }],
    });
  });

  test('is given up for cold storage that is not sent, which is waited for in its own way', () => {
    const cold = { epoch: 3, node: 'node-1', state: 'Draining' as const, updatedAt: '2026-01-01T10:00:00Z' };
    const [release] = planned(orphaned({ session: aSession('Closed'), cold }));
    expect(release).toMatchObject({ kind: 'releaseWriter', epoch: 3 });
    expect(release).not.toHaveProperty('conflicts');
  });

  test('is given up after its pod, which nobody there can end', () => {
    const pod = aPodOf(gone, {}, 'node-1');
    expect(planned(orphaned({ session: aSession('Open') }), { pod })[0]).toMatchObject({
      kind: 'deletePod',
      forget: true,
      assuming: [{ kind: 'sandboxGone' }, { kind: 'nodeLost', node: 'node-1' }],
    });
  });

  test.each([
    ['its node is Ready', new Map([node('node-1', 'True')])],
    ['no other node is Ready', new Map([node('node-1', 'Unknown'), node('node-2', 'Unknown')])],
    ['nothing is known of any node', new Map<string, Node>()],
  ])('is kept while %s', (_what, nodes) => {
    expect(kinds(orphaned({ session: aSession('Open') }), { nodes })).toEqual(['writeWorkspaceConditions']);
  });

  test('is kept for as long as a silent node is waited for, and looked at again then', () => {
    const nodes = new Map([node('node-1', 'Unknown', '2026-01-01T11:59:55Z'), node('node-2', 'True')]);
    expect(planned(orphaned({ session: aSession('Open') }), { nodes }).at(-1)).toEqual({
      kind: 'requeue',
      afterMs: 5_000,
    });
  });
});
