import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, open, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { startColdSession, type ColdSession, type ColdView } from '../../src/node/cold/cold-mount.ts';
import type { ColdMountSpec } from '../../src/node/cold/mount-driver.ts';
import { rcloneFiles } from '../../src/node/cold/rclone-command.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { type ColdWorld, openColdWorld, until } from '../support/cold-world.ts';

// A real rclone on a real FUSE and a real versitygw on loopback; no cluster.
jest.setTimeout(300_000);

const run = promisify(execFile);
const log = makeLog({ level: 'fatal', component: 'test' });

let world: ColdWorld;
let sessions: ColdSession[];
beforeAll(async () => {
  world = await openColdWorld();
  sessions = [];
});
afterEach(async () => {
  await world.startServer();
  for (const session of sessions) await session.drain(1000);
  sessions = [];
});
afterAll(() => world.close());

const start = (spec: ColdMountSpec, userId: string, views: ColdView[] = []): ColdSession => {
  const session = startColdSession(
    {
      driver: world.driver,
      provider: world.provider,
      clock: systemClock,
      random: systemRandom,
      log,
      onChange: (view) => views.push(view),
    },
    spec,
    () => ({ userId, session: 'test' }),
  );
  sessions.push(session);
  return session;
};
const mounted = (session: ColdSession): Promise<void> => until(() => session.view().state === 'Mounted');
const rclonePid = (spec: ColdMountSpec): number =>
  (JSON.parse(readFileSync(rcloneFiles(spec.folder).process, 'utf8')) as { pid: number }).pid;
/** Name and content of each object below the mount's prefix. */
const objects = async (spec: ColdMountSpec): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for await (const { key } of world.store.list(spec.prefix)) {
    // The marker of the mount's own folder has no name.
    if (key !== spec.prefix) found.set(key.slice(spec.prefix.length), (await world.store.get(key)).body.toString());
  }
  return found;
};

describe('a cold mount', () => {
  test('what programs do to files works, and is in the bucket after the drain', async () => {
    const spec = world.spec('ann');
    const session = start(spec, 'ann');
    await mounted(session);
    const at = (name: string): string => join(spec.target, name);
    await writeFile(at('log'), 'one\n');
    await appendFile(at('log'), 'two\n');
    await writeFile(at('old'), 'moved');
    await rename(at('old'), at('new'));
    const file = await open(at('random'), 'w+');
    await file.write('0123456789', 0);
    await file.write('AB', 4);
    await file.close();
    await symlink('new', at('link'));
    await mkdir(at('empty'));
    await run('git', ['init', '--quiet', '--initial-branch=master', at('repo')]);
    expect(await readFile(at('link'), 'utf8')).toBe('moved');
    expect(await readFile(at('random'), 'utf8')).toBe('0123AB6789');
    expect(await session.drain(60_000)).toBe(0);
    expect(session.view()).toMatchObject({ state: 'Closed', isolation: 'prefix' });
    expect(existsSync(spec.folder)).toBe(false);
    const kept = await objects(spec);
    expect(Object.fromEntries(kept)).toMatchObject({
      log: 'one\ntwo\n',
      new: 'moved',
      random: '0123AB6789',
      'link.rclonelink': 'new',
      'repo/.git/HEAD': 'ref: refs/heads/master\n',
    });
    expect(kept.has('old')).toBe(false);
    expect(kept.has('empty/')).toBe(true);
  });

  test('no secret stands in the command line or the environment of the mount process', async () => {
    const spec = world.spec('ann');
    const session = start(spec, 'ann');
    await mounted(session);
    const secret = (await world.provider.issue({ userId: 'ann', session: 't' }, new AbortController().signal))
      .secretAccessKey;
    const pid = rclonePid(spec);
    for (const file of [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`, rcloneFiles(spec.folder).config]) {
      expect(await readFile(file, 'utf8')).not.toContain(secret);
    }
  });

  test('SIGKILL of rclone with 500 files that are not uploaded: mounted again, and all of them arrive', async () => {
    const spec = world.spec('bob');
    const session = start(spec, 'bob');
    await mounted(session);
    for (let i = 0; i < 500; i += 1) await writeFile(join(spec.target, `f${i}`), `content ${i}`);
    const pid = rclonePid(spec);
    process.kill(pid, 'SIGKILL');
    await until(() => rclonePid(spec) !== pid && session.view().state === 'Mounted');
    await until(async () => (await readFile(join(spec.target, 'f499'), 'utf8')) === 'content 499');
    expect(await session.drain(120_000)).toBe(0);
    const kept = await objects(spec);
    expect(kept.size).toBe(500);
    for (let i = 0; i < 500; i += 1) expect(kept.get(`f${i}`)).toBe(`content ${i}`);
  });

  test('a driver that starts again finds the mount and does not touch it', async () => {
    const spec = world.spec('cid');
    const first = start(spec, 'cid');
    await mounted(first);
    const file = await open(join(spec.target, 'open'), 'w');
    await file.write('before ');
    const pid = rclonePid(spec);
    await first.leave();
    sessions = [];
    const second = start(spec, 'cid');
    await mounted(second);
    expect(rclonePid(spec)).toBe(pid);
    await file.write('after');
    await file.close();
    expect(await second.drain(60_000)).toBe(0);
    expect((await objects(spec)).get('open')).toBe('before after');
  });

  test('driver and rclone are both killed: the next driver mounts with the same cache and uploads it', async () => {
    const spec = world.spec('dan');
    const first = start(spec, 'dan');
    await mounted(first);
    await writeFile(join(spec.target, 'unsent'), 'kept');
    await first.leave();
    process.kill(rclonePid(spec), 'SIGKILL');
    sessions = [];
    const second = start(spec, 'dan');
    await mounted(second);
    expect(await readFile(join(spec.target, 'unsent'), 'utf8')).toBe('kept');
    expect(await second.drain(60_000)).toBe(0);
    expect((await objects(spec)).get('unsent')).toBe('kept');
  });

  test('SIGKILL of rclone while a file is open: what was synced is there again, and arrives', async () => {
    const spec = world.spec('ida');
    const session = start(spec, 'ida');
    await mounted(session);
    const file = await open(join(spec.target, 'synced'), 'w');
    await file.write('on disk');
    await file.sync();
    const pid = rclonePid(spec);
    process.kill(pid, 'SIGKILL');
    await file.close().catch(() => undefined);
    await until(() => rclonePid(spec) !== pid && session.view().state === 'Mounted');
    await until(async () => (await readFile(join(spec.target, 'synced'), 'utf8')) === 'on disk');
    expect(await session.drain(60_000)).toBe(0);
    expect((await objects(spec)).get('synced')).toBe('on disk');
  });

  test('a folder gets another name after its files were uploaded: they are copied on the server', async () => {
    const spec = world.spec('jan');
    const session = start(spec, 'jan');
    await mounted(session);
    await mkdir(join(spec.target, 'before/inner'), { recursive: true });
    for (let i = 0; i < 50; i += 1) await writeFile(join(spec.target, `before/inner/${i}`), String(i));
    await until(async () => (await objects(spec)).has('before/inner/49'));
    await rename(join(spec.target, 'before'), join(spec.target, 'after'));
    expect(await readFile(join(spec.target, 'after/inner/7'), 'utf8')).toBe('7');
    expect(await session.drain(60_000)).toBe(0);
    const files = [...(await objects(spec)).keys()].filter((name) => !name.endsWith('/'));
    expect(files).toHaveLength(50);
    expect(files.every((name) => name.startsWith('after/inner/'))).toBe(true);
  });

  test('S3 is away when the sandbox ends: the files stay on the node, and the next mount uploads them', async () => {
    const spec = world.spec('eve');
    const views: ColdView[] = [];
    const session = start(spec, 'eve', views);
    await mounted(session);
    await world.stopServer();
    await writeFile(join(spec.target, 'late'), 'not lost');
    expect(await session.drain(3000)).toBe(1);
    expect(session.view().state).toBe('Unsent');
    expect(views.some(({ state, queue }) => state === 'Draining' && queue?.files === 1)).toBe(true);
    await world.startServer();
    const next = start(spec, 'eve');
    await mounted(next);
    expect(await next.drain(60_000)).toBe(0);
    expect((await objects(spec)).get('late')).toBe('not lost');
  });

  test('S3 is away for a while during writes: they go on, and arrive when it is back', async () => {
    const spec = world.spec('fay');
    const session = start(spec, 'fay');
    await mounted(session);
    await world.stopServer();
    for (let i = 0; i < 20; i += 1) await writeFile(join(spec.target, `w${i}`), String(i));
    await world.startServer();
    expect(await session.drain(120_000)).toBe(0);
    expect((await objects(spec)).size).toBe(20);
  });

  test('a prefix that the credentials do not reach is a failure that says so, and the drain does not wait for it', async () => {
    const session = start(world.spec('hal'), 'gil');
    await until(() => session.view().state === 'Failed');
    expect(session.view().failure).toMatchObject({
      reason: 'MountFailed',
      message: expect.stringMatching(/bucket cannot be read.*AccessDenied/s),
    });
    expect(await session.drain(600_000)).toBe(0);
  });
});

describe("one user's credentials on the embedded server", () => {
  const signal = new AbortController().signal;
  const FORBIDDEN = { reason: 'Forbidden' };

  test('reach the own prefix, and no object, listing or write of another user', async () => {
    const store = world.storeOf(await world.provider.issue({ userId: 'ann', session: 't' }, signal));
    await world.provider.issue({ userId: 'anna', session: 't' }, signal);
    await world.store.put('users/anna/cold/secret', Buffer.from('s'));
    await store.put('users/ann/cold/own', Buffer.from('o'));
    const names: string[] = [];
    for await (const { key } of store.list('users/ann/')) names.push(key);
    expect(names).toContain('users/ann/cold/own');
    await expect(store.get('users/anna/cold/secret')).rejects.toMatchObject(FORBIDDEN);
    await expect(store.get('users/anna/.ws/HEAD')).rejects.toMatchObject(FORBIDDEN);
    await expect(store.put('users/anna/cold/x', Buffer.from('x'))).rejects.toMatchObject(FORBIDDEN);
    for (const prefix of ['', 'users/', 'users/ann', 'users/anna/']) {
      await expect(store.list(prefix)[Symbol.asyncIterator]().next()).rejects.toMatchObject(FORBIDDEN);
    }
  });
});
