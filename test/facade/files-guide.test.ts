import { execFile } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { startDaemonFacade, type DaemonFacade } from './support/daemon-facade.ts';
import { API_KEY } from './support/facade.ts';

const GUIDE = readFileSync(new URL('../../docs/files-and-ports.md', import.meta.url), 'utf8');
const MARKS = [...GUIDE.matchAll(/<!-- guide: (\w+) -->/g)].map(([, mark = '']) => mark);
const DEADLINE_MS = 120_000;
const DATA = 'a,b\n1,2\n';

const bash = promisify(execFile);

/** The block that follows the comment, exactly as a reader would copy it. */
const block = (mark: string): string => {
  const found = /^\s*```sh\n([\s\S]*?)\n```/.exec(GUIDE.split(`<!-- guide: ${mark} -->`)[1] ?? '')?.[1];
  if (found === undefined) throw new Error(`docs/files-and-ports.md has no sh block right after the mark ${mark}`);
  return found;
};

/** The reader's own folder. */
let here: string;
let server: Server;
let port: number;

beforeEach(async () => {
  here = mkdtempSync(join(tmpdir(), 'matrx-guide-'));
  writeFileSync(join(here, 'data.csv'), DATA);
  mkdirSync(join(here, 'project'));
  writeFileSync(join(here, 'project/run'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('run', join(here, 'project/link'));
  server = createServer((request, response) => {
    void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  rmSync(here, { recursive: true });
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

/** Runs blocks of the guide in one shell, after the one that each begins with; what they print. */
const follow = async ({ facade }: DaemonFacade, ...marks: readonly string[]): Promise<string> => {
  const commands = ['set -euo pipefail', ...['begin', ...marks].map(block)].join('\n');
  const { stdout } = await bash('bash', ['-c', commands], {
    cwd: here,
    timeout: DEADLINE_MS,
    env: {
      PATH: process.env['PATH'],
      HOME: here,
      MATRX_URL: facade.url,
      MATRX_API_KEY: API_KEY,
      id: 'demo',
      port: String(port),
    },
  });
  return stdout;
};

const local = (name: string): string => readFileSync(join(here, name), 'utf8');

describe('the guide to files and ports', () => {
  let started: DaemonFacade;
  let home: (name: string) => string;

  beforeEach(async () => {
    started = await startDaemonFacade();
    home = (name) => join(started.daemon.home, name);
  });

  test('has a mark, and so a test, at each of its blocks', () => {
    expect(MARKS).toEqual(['begin', 'file', 'conditions', 'tar', 'operations', 'watch', 'port', 'ticket', 'preview']);
    expect(GUIDE.match(/^```sh$/gm)).toHaveLength(MARKS.length);
  });

  test('takes a file up and down, and a part of it', async () => {
    const printed = await follow(started, 'file');
    expect(readFileSync(home('data.csv'), 'utf8')).toBe(DATA);
    expect(local('copy.csv')).toBe(DATA);
    expect(printed).toContain('}a,b\n{');
    expect(readFileSync(home('reports/2026/data.csv'), 'utf8')).toBe(DATA);
    expect(lstatSync(home('reports/2026/data.csv')).mode & 0o777).toBe(0o600);
  });

  test('reads only what has changed, and writes only over what was seen', async () => {
    expect(await follow(started, 'conditions')).toBe('304\nnot written\n');
    expect(JSON.parse(local('written.json'))).toMatchObject({ path: home('data.csv'), size: DATA.length });
  });

  test('takes a directory up and down with modes and symlinks', async () => {
    expect(JSON.parse(await follow(started, 'tar'))).toEqual({ entries: 3 });
    for (const place of [home('project'), join(here, 'back')]) {
      expect(lstatSync(join(place, 'run')).mode & 0o777).toBe(0o755);
      expect(lstatSync(join(place, 'link')).isSymbolicLink()).toBe(true);
    }
  });

  test('lists, describes, makes, moves and removes', async () => {
    const printed = await follow(started, 'operations');
    const listed = [`directory ${home('notes/old')}`, `file ${home('notes/old/b.csv')}`];
    expect(printed.split(/(?<=\})|\n/).slice(-3)).toEqual([...listed, '']);
    expect(printed).toContain(`"path":"${home('notes/a.csv')}"`);
    expect(existsSync(home('notes'))).toBe(false);
  });

  test('watches a directory', async () => {
    await follow(started, 'watch');
    expect(local('events.txt')).toContain(
      `event: created\ndata: ${JSON.stringify({ path: home('inbox/new.csv') })}\n\n`,
    );
  });

  test('reaches a port by its path', async () => {
    expect(await follow(started, 'port')).toBe('GET / \nPOST /form?x=1 a=1\n');
  });

  test('opens a port with a ticket alone', async () => {
    expect(await follow(started, 'ticket')).toBe('GET / \n');
  });

  test('can be followed from one end to the other, and once more', async () => {
    const marks = MARKS.filter((mark) => mark !== 'begin' && mark !== 'preview');
    await follow(started, ...marks);
    await follow(started, ...marks);
  });

  test('is right that a page by its path opens no WebSocket', async () => {
    const url = `${started.facade.url.replace('http', 'ws')}/sandboxes/demo/ports/${port}/`;
    const socket = new WebSocket(url, { origin: 'null', headers: { 'X-API-Key': API_KEY } });
    const status = new Promise((resolve, reject) => {
      socket.once('unexpected-response', (request, { statusCode }) => {
        request.destroy();
        resolve(statusCode);
      });
      socket.once('error', reject);
    });
    expect(await status).toBe(403);
  });
});

test('the guide reaches a preview by its host', async () => {
  const withPreviews = await startDaemonFacade({ previewDomain: 'preview.example.com' });
  expect(await follow(withPreviews, 'preview')).toBe('GET / \n');
});
