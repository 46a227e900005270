import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../support/e2e/command.ts';

const scripts = join(import.meta.dirname, '../../sandbox-image/bin');
let root: string;

/** /opt/sandbox of an image, with the scripts alone. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'matrx-opt-sandbox-'));
  for (const folder of ['bin', 'smoke.d', 'sandboxd', 'home']) await mkdir(join(root, folder));
  for (const name of ['smoke-test', 'healthcheck', 'start'])
    await copyFile(join(scripts, name), join(root, 'bin', name));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const run = async (script: string, variables: Readonly<Record<string, string>> = {}) => {
  const env = { PATH: process.env.PATH, HOME: join(root, 'home'), COLD_PATH: join(root, 'cold'), ...variables };
  const { exitCode, stdout } = await runCommand(join(root, 'bin', script), [], { deadlineMs: 120_000, env });
  const lines = stdout.toString().trimEnd().split('\n');
  return { exitCode, lines, last: lines.at(-1) };
};
const checks = (name: string, text: string): Promise<void> => writeFile(join(root, 'smoke.d', name), text);

describe('the smoke test', () => {
  it('passes when every check does', async () => {
    await checks('core.sh', 'check first true\ncheck second test -d "$scratch"\n');
    await checks('tools.sh', "check_all tools printf 'ok Read\\nok Write\\n'\n");
    expect(await run('smoke-test')).toMatchObject({ exitCode: 0, last: '4 passed, 0 failed' });
  });

  it('fails when a single program does, and goes on with the others', async () => {
    await checks('core.sh', 'check first true\ncheck second bash -c "echo why >&2; exit 7"\ncheck third true\n');
    const { exitCode, lines, last } = await run('smoke-test');
    expect({ exitCode, last }).toEqual({ exitCode: 1, last: '2 passed, 1 failed' });
    expect(lines).toEqual(expect.arrayContaining(['FAILED second: exit code 7', '    why', 'ok third']));
  });

  it('fails when a single tool does: its count was lost in the shell of a pipe, which ended with success [T11]', async () => {
    await checks('tools.sh', "check_all tools printf 'ok Read\\nnot ok Grep: no match\\nok Write\\n'\n");
    const { exitCode, lines, last } = await run('smoke-test');
    expect({ exitCode, last }).toEqual({ exitCode: 1, last: '2 passed, 1 failed' });
    expect(lines).toContain('FAILED Grep: no match');
  });

  it('fails when the program that tries the tools dies half way, or tries none [T11]', async () => {
    await checks('tools.sh', 'check_all tools bash -c "echo ok Read; exit 3"\ncheck_all none true\n');
    const { exitCode, lines } = await run('smoke-test');
    expect(exitCode).toBe(1);
    expect(lines).toEqual(expect.arrayContaining(['FAILED tools: exit code 3', 'FAILED none: checked nothing']));
  });

  it('fails when a file of checks ends it, has a mistake, or there is none', async () => {
    expect(await run('smoke-test')).toMatchObject({ exitCode: 1, last: '0 passed, 1 failed' });
    await checks('core.sh', 'check first true\nexit 0\n');
    expect(await run('smoke-test')).toMatchObject({ exitCode: 1 });
    await checks('core.sh', 'check first true\nif\n');
    expect(await run('smoke-test')).toMatchObject({ exitCode: 1 });
  });
});

describe('the health check', () => {
  let server: Server;
  let port: string;
  let status: number;

  beforeEach(async () => {
    status = 204;
    server = createServer((_request, response) => response.writeHead(status).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = String((server.address() as AddressInfo).port);
    await writeFile(join(root, 'sandboxd/main.js'), '');
  });
  afterEach(async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  const check = (variables: Readonly<Record<string, string>> = {}) =>
    run('healthcheck', { HOT_PATH: join(root, 'home'), MATRX_SANDBOXD_PORT: port, ...variables });

  it('is HEALTHY when the home is there and the daemon answers [A5.3]', async () => {
    expect(await check()).toMatchObject({ exitCode: 0, lines: ['HEALTHY'] });
  });

  it('is NOT READY while the daemon does not answer [A5.3]', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await check()).toMatchObject({ exitCode: 3, last: expect.stringMatching(/^NOT READY the daemon does not/) });
  });

  it('is UNHEALTHY, with the reason, when the daemon fails [A5.3]', async () => {
    status = 500;
    expect(await check()).toMatchObject({ exitCode: 1, last: 'UNHEALTHY the daemon answers with status 500' });
  });

  it('is UNHEALTHY without a home, or with a cold folder that nothing is mounted on [A5.3]', async () => {
    const nowhere = join(root, 'nowhere');
    expect(await check({ HOT_PATH: nowhere })).toMatchObject({
      exitCode: 1,
      last: `UNHEALTHY the home ${nowhere} is not there`,
    });
    await mkdir(join(root, 'cold'));
    expect(await check()).toMatchObject({
      exitCode: 1,
      last: expect.stringMatching(/^UNHEALTHY .*nothing is mounted/),
    });
    expect(await check({ COLD_PATH: '/proc' })).toMatchObject({ exitCode: 0 });
  });

  it('asks no daemon where the image has none', async () => {
    await rm(join(root, 'sandboxd'), { recursive: true });
    await new Promise((resolve) => server.close(resolve));
    expect(await check()).toMatchObject({ exitCode: 0, last: expect.stringMatching(/^HEALTHY/) });
  });
});

it('an image without the daemon starts, and ends at once on TERM', async () => {
  await rm(join(root, 'sandboxd'), { recursive: true });
  const child = spawn(join(root, 'bin/start'), [], { stdio: 'ignore' });
  await once(child, 'spawn');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
});
