import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startFacadeOf } from '../facade/support/daemon-facade.ts';
import type { TestFacade } from '../facade/support/facade.ts';
import { type StandInDaemon, startStandInDaemon } from './stand-in-daemon.ts';

let daemon: StandInDaemon;
let facade: TestFacade;
let outside: string;

beforeEach(async () => {
  daemon = await startStandInDaemon();
  facade = await startFacadeOf(daemon);
  outside = mkdtempSync(join(tmpdir(), 'matrx-outside-'));
  writeFileSync(join(outside, 'precious'), 'as it was');
});
afterEach(async () => {
  await daemon.close();
  rmSync(outside, { recursive: true });
});

const ask = async (method: string, path: string, body?: string | object): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`${facade.url}/sandboxes/demo/${path}`, {
    method,
    headers: { 'X-API-Key': 'the-key', ...(typeof body === 'object' ? { 'Content-Type': 'application/json' } : {}) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, text: await answer.text() };
};

describe('fuzzing never got beyond 404 at the files; now the daemon that stands in', () => {
  it('has files that can be read, written, listed, moved and removed', async () => {
    expect(await ask('GET', 'files/~/notes.txt')).toMatchObject({ status: 200 });
    expect(await ask('PUT', 'files/~/a/b', 'content')).toMatchObject({ status: 201 });
    expect(await ask('GET', 'files/~/a/b')).toEqual({ status: 200, text: 'content' });
    expect(await ask('GET', 'files/~?depth=2')).toMatchObject({
      status: 200,
      text: expect.stringContaining('notes.txt'),
    });
    expect(await ask('POST', 'files/mkdir', { path: 'made' })).toMatchObject({ status: 201 });
    expect(await ask('POST', 'files/move', { from: 'a/b', to: 'made/c' })).toMatchObject({ status: 200 });
    expect(await ask('POST', 'files/stat', { path: 'made/c' })).toMatchObject({ status: 200 });
    expect((await ask('GET', 'files/~/made?archive=tar')).status).toBe(200);
    expect(await ask('DELETE', 'files/~/made?recursive=true')).toEqual({ status: 204, text: '' });
    expect(await ask('GET', 'watch')).toMatchObject({ status: 200, text: expect.stringContaining('event: ready') });
  });

  it('keeps every path in a folder of its own', async () => {
    expect(await ask('PUT', `files${outside}/precious`, 'changed')).toMatchObject({ status: 201 });
    expect(await ask('GET', `files${outside}/precious`)).toEqual({ status: 200, text: 'changed' });
    expect(readFileSync(join(daemon.root, outside, 'precious'), 'utf8')).toBe('changed');
    await ask('POST', 'files/move', { from: `../../../../../..${outside}/precious`, to: 'mine', overwrite: true });
    await ask('DELETE', `files${outside}?recursive=true`);
    await ask('DELETE', 'files/tmp?recursive=true');
    expect(existsSync(join(daemon.root, 'tmp'))).toBe(false);
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('as it was');
  });

  it('follows no link out of it, and gives up neither the folder nor its home', async () => {
    const home = join(daemon.root, 'home', 'agent');
    symlinkSync(outside, join(home, 'out'));
    symlinkSync(join(outside, 'new'), join(home, 'dangling'));
    for (const path of ['out/precious', 'out', 'out/new', 'dangling']) {
      expect((await ask('PUT', `files/~/${path}`, 'x')).status).toBe(403);
      expect((await ask('DELETE', `files/~/${path}?recursive=true`)).status).toBe(403);
    }
    for (const path of ['', '/', '/home', '/home/agent', '/~', '/%7E/..']) {
      expect(await ask('DELETE', `files${path}?recursive=true`)).not.toMatchObject({ status: 204 });
    }
    await ask('POST', 'files/move', { from: '/home', to: '/moved' });
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(existsSync(join(home, 'notes.txt'))).toBe(true);
  });
});
