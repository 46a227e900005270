import { expect } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { standingReason } from '../support/e2e/cluster.ts';
import { succeed } from '../support/e2e/command.ts';
import { PROJECT_ROOT } from '../support/e2e/readme.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

scenario(
  'a second sandbox of a user waits, names the holder, and starts when the first has let go [T8] [A6.3]',
  180,
  async (cluster) => {
    const first = aSandbox('first');
    await cluster.start(first);

    const second = aSandbox('second').ofUser(first.userId);
    await cluster.create(second);
    const waiting = await cluster.until(
      second.name,
      'it waits',
      (sandbox) => standingReason(sandbox) === 'WorkspaceInUse',
    );
    const ready = findCondition(waiting.status?.conditions, 'Ready');
    expect(ready?.status).toBe('False');
    expect(ready?.message).toContain(first.name);
    expect(await cluster.kubectl.find(`pod/${second.name}`)).toBeUndefined();

    const explained = await succeed(process.execPath, ['src/main.ts', 'explain', `sbx/${second.name}`], {
      cwd: PROJECT_ROOT,
      deadlineMs: 30_000,
      signal: cluster.signal,
    });
    const text = explained.stdout.toString();
    expect(text).toContain(`  writer   ${first.name}, epoch 1\n`);
    expect(text).toMatch(new RegExp(`\\nWhy: WorkspaceInUse: .*${first.name}`));

    // An ephemeral one has no home to share: it starts while the first still runs, with nothing in it.
    const ephemeral = aSandbox('ephemeral').ofUser(first.userId).ephemeral();
    await cluster.shell(first.name, 'echo from the first > hand-over.txt');
    await cluster.start(ephemeral);
    expect(await cluster.shell(ephemeral.name, 'ls')).toBe('');
    await cluster.shell(ephemeral.name, 'echo writable > here.txt');

    await cluster.shell(first.name, 'echo last words >> hand-over.txt');
    await cluster.remove(first.name);
    const started = await cluster.ready(second.name);
    expect(await cluster.shell(second.name, 'cat hand-over.txt')).toBe('from the first\nlast words\n');
    expect(started.status?.workspace?.epoch).toBeGreaterThan(1);
  },
);

scenario('a waiting sandbox can be deleted at once and does not disturb the holder', 150, async (cluster) => {
  const first = aSandbox('first');
  await cluster.start(first);
  const second = aSandbox('second').ofUser(first.userId);
  await cluster.create(second);
  await cluster.until(second.name, 'it waits', (sandbox) => standingReason(sandbox) === 'WorkspaceInUse');
  await cluster.remove(second.name, 20_000);
  await cluster.shell(first.name, 'echo still here > file');
  await cluster.remove(first.name);
  const third = aSandbox('third').ofUser(first.userId);
  await cluster.start(third);
  expect(await cluster.shell(third.name, 'cat file')).toBe('still here\n');
});

scenario('two named workspaces of one user are two homes, in use at the same time', 150, async (cluster) => {
  const plain = aSandbox('plain');
  const named = aSandbox('named')
    .ofUser(plain.userId)
    .with({ workspace: { name: 'project' } });
  await Promise.all([cluster.start(plain), cluster.start(named)]);
  await cluster.shell(plain.name, 'echo plain > which');
  expect(await cluster.shell(named.name, 'ls')).toBe('');
});
