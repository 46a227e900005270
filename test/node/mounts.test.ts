import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findMount, parseMountInfo } from '../../src/node/mount-table.ts';
import { makeMounts } from '../../src/node/mounts.ts';

// Real mounts: these tests need root, as the driver does.
describe('mounts', () => {
  const mounts = makeMounts();
  let folder: string;
  let source: string;
  let target: string;

  const entry = (at: string) => findMount(parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')), at);
  const layers = (at: string) =>
    parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ mountPoint }) => mountPoint === at).length;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'matrx mounts '));
    source = path.join(folder, 'homes', 'home');
    target = path.join(folder, 'target');
    mkdirSync(source, { recursive: true });
    writeFileSync(path.join(source, 'file'), 'of the user');
  });

  afterEach(async () => {
    await mounts.unbind(target);
    while (entry(path.join(folder, 'homes')) !== undefined) execFileSync('umount', [path.join(folder, 'homes')]);
    rmSync(folder, { recursive: true });
  });

  test('show a folder elsewhere, once, however often they are asked to', async () => {
    await Promise.all([mounts.bind(source, target), mounts.bind(source, target)]);
    await mounts.bind(source, target);
    expect(readFileSync(path.join(target, 'file'), 'utf8')).toBe('of the user');
    expect(layers(target)).toBe(1);
    expect(await mounts.isMounted(target)).toBe(true);
  });

  test('of nothing are root’s, once, and go with what was mounted in them', async () => {
    await mounts.mountEmpty(target);
    await mounts.mountEmpty(target);
    expect(layers(target)).toBe(1);
    expect(entry(target)?.options).toEqual(expect.arrayContaining(['nosuid', 'nodev']));
    const inner = path.join(target, 'inner');
    await mounts.bind(source, inner);
    expect(readFileSync(path.join(inner, 'file'), 'utf8')).toBe('of the user');
    await mounts.unbind(inner);
    await mounts.unbind(target);
    expect(layers(target)).toBe(0);
    expect(readFileSync(path.join(source, 'file'), 'utf8')).toBe('of the user');
  });

  test('replace what something else has mounted there', async () => {
    const other = path.join(folder, 'other');
    mkdirSync(other);
    await mounts.bind(other, target);
    await mounts.bind(source, target);
    expect(readFileSync(path.join(target, 'file'), 'utf8')).toBe('of the user');
    expect(layers(target)).toBe(1);
  });

  test('are taken away with their folder, also twice, also stacked, also while something looks into them', async () => {
    await mounts.bind(source, target);
    execFileSync('mount', ['--bind', source, target]);
    const before = process.cwd();
    process.chdir(target);
    await mounts.unbind(target).finally(() => process.chdir(before));
    await mounts.unbind(target);
    expect(layers(target)).toBe(0);
    expect(readFileSync(path.join(source, 'file'), 'utf8')).toBe('of the user');
    expect(() => readFileSync(target)).toThrow('ENOENT');
  });

  test('never take away files that lie under a target that is not mounted', async () => {
    mkdirSync(target);
    writeFileSync(path.join(target, 'file'), 'somebody’s');
    await expect(mounts.unbind(target)).rejects.toThrow('ENOTEMPTY');
    rmSync(path.join(target, 'file'));
  });

  test('carry nosuid and nodev from their first moment when bound from below a hardened folder', async () => {
    const homes = path.join(folder, 'homes');
    await mounts.harden(homes);
    await mounts.harden(homes);
    expect(layers(homes)).toBe(1);
    await mounts.bind(source, target);
    expect(entry(target)?.options).toEqual(expect.arrayContaining(['rw', 'nosuid', 'nodev']));
  });

  test('say which command failed and why', async () => {
    await expect(mounts.bind(path.join(folder, 'none'), target)).rejects.toThrow(/^mount --bind -- .*none.* exist/);
  });
});
