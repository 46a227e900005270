import { expect } from '@jest/globals';
import type { Workspace } from '../../src/api/workspace.ts';
import { workspaceName } from '../../src/api/workspace-id.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { changeHome, differences, fillHome, isSaved, listHome } from '../support/e2e/home/home.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const SMALL_FILES = 5000;
const isWholeHomeIn = ({ status }: Workspace): boolean =>
  status?.session?.dirty === false && (status.head?.files ?? 0) > SMALL_FILES;

scenario(
  'a home with every kind of file comes back exactly in the next sandbox of its user [A4.2] [T8]',
  240,
  async (cluster) => {
    const first = aSandbox('trip');
    await cluster.start(first);
    await fillHome(cluster, first.name, { smallFiles: SMALL_FILES, largeMiB: 200 });

    const committed = await cluster.workspaceUntil(
      first.userId,
      'the running home is committed and its FIFO and socket are counted',
      (workspace) => isWholeHomeIn(workspace) && workspace.status?.session?.skipped === 2,
    );
    await changeHome(cluster, first.name);
    const left = await listHome(cluster, first.name);
    await cluster.remove(first.name);

    const saved = await cluster.kubectl.find<Workspace>(`workspace/${workspaceName(first.userId)}`);
    expect(saved?.status?.session).toMatchObject({ state: 'Closed', dirty: false });
    expect(saved?.status?.writer).toBeUndefined();
    expect(saved?.status?.head?.sequence).toBeGreaterThan(committed.status?.head?.sequence ?? Infinity);

    const second = aSandbox('trip').ofUser(first.userId);
    await cluster.start(second);
    const back = await listHome(cluster, second.name);
    expect(differences(left, back)).toEqual([]);
    const entries = [...left.values()];
    expect(entries.filter((entry) => !isSaved(entry))).toHaveLength(2);
    process.stderr.write(`  ${entries.filter(isSaved).length} entries compared\n`);

    // What the listing cannot say: the tools find their files usable.
    const log = await cluster.shell(
      second.name,
      'git -C repo fsck --strict && git -C repo log --oneline --all | wc -l',
    );
    expect(Number(log)).toBe(12);
    expect(await cluster.shell(second.name, 'git -C repo status --porcelain')).toBe('?? uncommitted.txt\n');
    await cluster.shell(second.name, 'venv/bin/python -c "import sys; assert sys.prefix != sys.base_prefix"');
  },
);

scenario(
  'a home that was never written to is free as soon as its sandbox is gone, and still empty [A4.2]',
  120,
  async (cluster) => {
    const first = aSandbox('blank');
    await cluster.start(first);
    await cluster.remove(first.name);
    const free = await cluster.kubectl.find<Workspace>(`workspace/${workspaceName(first.userId)}`);
    expect(free?.status?.writer).toBeUndefined();
    const second = aSandbox('blank').ofUser(first.userId);
    await cluster.start(second);
    expect([...(await listHome(cluster, second.name)).values()]).toEqual([
      expect.objectContaining({ path: '', type: 'folder', owner: '1000:1000' }),
    ]);
  },
);

scenario('what a process writes until it is killed is saved without a gap [A5.2]', 120, async (cluster) => {
  const first = aSandbox('writer');
  await cluster.start(first);
  await cluster.shell(
    first.name,
    `setsid nohup python3 -c '
import time
with open("log", "w") as log:
    for number in range(10**9):
        print(number, file=log, flush=True)
        time.sleep(0.001)
' >/dev/null 2>&1 </dev/null &`,
  );
  const before = await eventually(
    'it writes',
    async () => {
      const lines = Number(await cluster.shell(first.name, 'wc -l < log'));
      return lines > 100 && lines;
    },
    { deadlineMs: 30_000, signal: cluster.signal },
  );
  await cluster.remove(first.name);

  const second = aSandbox('writer').ofUser(first.userId);
  await cluster.start(second);
  const numbers = (await cluster.shell(second.name, 'cat log')).trimEnd().split('\n').map(Number);
  expect(numbers.length).toBeGreaterThanOrEqual(before);
  expect(numbers).toEqual(numbers.map((_, index) => index));
});

scenario('a stop as early as a sandbox can be written to saves what was written [T10]', 120, async (cluster) => {
  const first = aSandbox('brief');
  await cluster.create(first);
  await eventually(
    'the container takes a command',
    async () => {
      await cluster.shell(first.name, 'echo early > early.txt');
      return true;
    },
    { deadlineMs: 60_000, everyMs: 50, signal: cluster.signal },
  );
  // Without a moment for the periodic commit, and without waiting for Ready.
  await cluster.remove(first.name);

  const second = aSandbox('brief').ofUser(first.userId);
  await cluster.start(second);
  expect(await cluster.shell(second.name, 'cat early.txt')).toBe('early\n');
});
