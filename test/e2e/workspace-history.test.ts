import { expect } from '@jest/globals';
import { workspaceName } from '../../src/api/workspace-id.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { type Cluster, isReady, standingReason } from '../support/e2e/cluster.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const ask = (cluster: Cluster, userId: string, restore: object | null): Promise<string> =>
  cluster.kubectl.merge(`workspace/${workspaceName(userId)}`, { spec: { restore } });
const isSaved = ({ status }: Workspace): boolean => status?.session?.dirty === false && status.head !== undefined;

scenario(
  'a workspace goes back to an older commit at the next start, and forward again: nothing is lost by either',
  360,
  async (cluster) => {
    const first = aSandbox('history');
    await cluster.start(first);
    await cluster.shell(first.name, 'echo old > note.txt');
    const { status } = await cluster.workspaceUntil(first.userId, 'it is saved', isSaved);
    const old = status?.history?.[0];
    await cluster.shell(first.name, 'echo new > note.txt; echo more > more.txt');
    await cluster.remove(first.name);

    const session = async (): Promise<{ readonly note: string; readonly workspace: Workspace | undefined }> => {
      const next = aSandbox('history').ofUser(first.userId);
      await cluster.start(next);
      const note = await cluster.shell(next.name, 'cat note.txt; ls');
      await cluster.remove(next.name);
      return { note, workspace: await cluster.kubectl.find<Workspace>(`workspace/${workspaceName(first.userId)}`) };
    };
    await ask(cluster, first.userId, { requestId: 'back', manifest: old?.manifest });
    const back = await session();
    expect(back.note).toBe('old\nnote.txt\n');
    expect(back.workspace?.status?.restored).toMatchObject({ requestId: 'back', sequence: old?.sequence });
    const newest = back.workspace?.status?.history?.find(({ files }) => files === 2);
    expect(newest).toBeDefined();

    await ask(cluster, first.userId, { requestId: 'forward', manifest: null, sequence: newest?.sequence });
    expect((await session()).note).toBe('new\nmore.txt\nnote.txt\n');
    // Asked once, done once.
    expect((await session()).note).toBe('new\nmore.txt\nnote.txt\n');
  },
);

scenario(
  'a commit that is not there keeps the sandbox from starting, until nobody asks for it',
  240,
  async (cluster) => {
    const first = aSandbox('refused');
    await cluster.start(first);
    await cluster.shell(first.name, 'echo kept > note.txt');
    await cluster.remove(first.name);
    await ask(cluster, first.userId, { requestId: 'nowhere', sequence: 999 });
    const next = aSandbox('refused').ofUser(first.userId);
    await cluster.create(next);
    const refused = await cluster.until(
      next.name,
      'it says why',
      (found) => standingReason(found) === 'RestoreRefused',
    );
    expect(refused.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Stalled', status: 'True' }));
    await ask(cluster, first.userId, null);
    await cluster.until(next.name, 'it is Ready', isReady, 180_000);
    expect(await cluster.shell(next.name, 'cat note.txt')).toBe('kept\n');
  },
);
