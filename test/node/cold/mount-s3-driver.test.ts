import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/base/clock.ts';
import { credentialFiles, writeCredentials } from '../../../src/node/cold/credentials-file.ts';
import type { ColdMount, ColdMountSpec, MountDriver } from '../../../src/node/cold/mount-driver.ts';
import { mountS3Arguments, mountS3Files } from '../../../src/node/cold/mount-s3-command.ts';
import { makeMountS3Driver } from '../../../src/node/cold/mount-s3-driver.ts';
import { makeMounts } from '../../../src/node/mounts.ts';

const STAND_IN = fileURLToPath(new URL('../support/mount-s3-stand-in.sh', import.meta.url));
const SETTINGS = { region: 'eu-west-1', endpoint: undefined, ownerId: 1000, cacheBytes: 1 << 30 };

// mount-s3 itself is no part of the product and cannot be had on every machine: a program that takes its documented
// command line stands for it. As root, with real mounts.
describe('the mount-s3 driver', () => {
  const mounts = makeMounts();
  const { signal } = new AbortController();
  let folder: string;
  let spec: ColdMountSpec;
  let mounted: ColdMount | undefined;

  const driver = (program = STAND_IN): MountDriver =>
    makeMountS3Driver({ ...SETTINGS, program, clock: systemClock, mounts, env: {} });
  const mount = async (): Promise<ColdMount> => (mounted = await driver().mount(spec, signal));
  const pid = async (): Promise<number> =>
    (JSON.parse(await readFile(mountS3Files(spec.folder).process, 'utf8')) as { pid: number }).pid;
  const issue = (accessKeyId: string): Promise<void> =>
    writeCredentials(spec.folder, { accessKeyId, secretAccessKey: 'secret-of-ann' });

  beforeEach(async () => {
    folder = await mkdtemp('/dev/shm/matrx-mount-s3-');
    spec = {
      bucket: 'files',
      prefix: 'users/ann/cold/',
      target: path.join(folder, 'cold'),
      folder: path.join(folder, 'run'),
    };
    mounted = undefined;
    await mkdir(spec.target);
    await issue('AKIAANN');
  });
  afterEach(async () => {
    await mounted?.unmount();
    await mounts.unbind(spec.target);
    await rm(folder, { recursive: true });
  });

  test('mounts, and takes the mount and the process away', async () => {
    const one = await mount();
    expect(await mounts.isMounted(spec.target)).toBe(true);
    const process = await pid();
    expect(await one.queue()).toEqual({ files: 0, bytes: 0, failing: 0 });
    await one.unmount();
    expect(await mounts.isMounted(spec.target)).toBe(false);
    expect((await stat(spec.target)).isDirectory()).toBe(true);
    await expect(stat(`/proc/${process}`)).rejects.toThrow('ENOENT');
    expect(await driver().unsent(spec.folder)).toBe(0);
  });

  test('is joined by a driver that comes later', async () => {
    const first = await mount();
    const before = await pid();
    first.leave();
    await mount();
    expect(await pid()).toBe(before);
  });

  test('says that it is gone when its process is killed or its mount taken away, and is mounted again', async () => {
    const first = await mount();
    process.kill(await pid(), 'SIGKILL');
    expect(await first.ended).toBe('mount-s3 has ended');
    const second = await mount();
    await mounts.unbind(spec.target);
    expect(await second.ended).toMatch(/^(mount-s3 has ended|the mount was taken away)$/);
    await mount();
    expect(await mounts.isMounted(spec.target)).toBe(true);
  });

  test('that is not installed says where it is looked for, and what to do', async () => {
    const failure = driver('/opt/nowhere/mount-s3').mount(spec, signal);
    await expect(failure).rejects.toThrow('mount-s3 is not installed at /opt/nowhere/mount-s3');
    await expect(failure).rejects.toThrow(/MATRX_MOUNT_S3.*spec\.cold\.driver/);
    expect(await mounts.isMounted(spec.target)).toBe(false);
  });

  test('that is refused by the bucket says what it said, and leaves no mount', async () => {
    await issue('refused');
    await expect(mount()).rejects.toThrow(/has ended (at once|before it has mounted): .*AccessDenied/);
    expect(await mounts.isMounted(spec.target)).toBe(false);
  });

  test('has no secret in its command line or its environment', async () => {
    await mount();
    for (const file of ['cmdline', 'environ']) {
      expect(await readFile(`/proc/${await pid()}/${file}`, 'utf8')).not.toContain('secret-of-ann');
    }
  });

  test('gets another S3 than AWS’s with path-style addresses', () => {
    const args = mountS3Arguments(spec, { ...SETTINGS, program: STAND_IN, endpoint: 'http://s3:9000' });
    expect(args.slice(0, 2)).toEqual(['files', spec.target]);
    expect(args).toEqual(expect.arrayContaining(['--endpoint-url=http://s3:9000', '--force-path-style']));
    expect(args).toContain('--prefix=users/ann/cold/');
  });

  test('without credentials is not mounted', async () => {
    await writeFile(credentialFiles(spec.folder).answer, '{}');
    await expect(mount()).rejects.toThrow('No credentials');
  });
});
