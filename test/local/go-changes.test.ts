import { expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { rcloneProgram } from '../../src/local/cluster/binaries.ts';
import { changesText, type GoChanges } from '../../src/local/go-changes.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const program = rcloneProgram(PROJECT);
const folder = 'folder' in program.source ? program.source.folder : '';
const changes = program.changes as GoChanges;

it('a changed function, or a change more, makes another program', async () => {
  const text = await changesText(folder, changes);
  expect(text).toContain('func (fh *RWFileHandle) Flush() error');
  expect(await changesText(folder, { ...changes, edits: changes.edits.slice(1) })).not.toBe(text);
});

it('each function that is replaced is put out of the way first, and there is one in its place', async () => {
  const text = await changesText(folder, changes);
  const replaced = changes.edits.flatMap(({ from }) => /^func \(\w+ \*\w+\) \w+\(/.exec(from)?.[0] ?? []);
  expect(replaced).toHaveLength(4);
  // Once where it is renamed, once where it is ours.
  for (const head of replaced) expect(text.split(head)).toHaveLength(3);
});
