import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn as spawnPty } from '@lydell/node-pty';
import { eventually } from '../../support/eventually.ts';
import { makeOpenSsh, type OpenSsh } from './support/openssh.ts';
import { type SshFacade, startSshFacade } from './support/ssh-facade.ts';

let ssh: SshFacade;
let client: OpenSsh;

beforeEach(async () => {
  ssh = await startSshFacade();
  client = makeOpenSsh(await ssh.access());
});

describe('ssh', () => {
  it('runs a command in the home and exits as it does [A1.11]', async () => {
    expect(await client.ssh(['pwd; exit 7'])).toEqual({
      code: 7,
      stdout: `${realpathSync(ssh.daemon.home)}\n`,
      stderr: '',
    });
  });

  it('gives the command its stdin to the end, and keeps stderr apart', async () => {
    const input = randomBytes(3_000_000).toString('base64');
    const { code, stdout, stderr } = await client.ssh(['tee /dev/stderr | sha256sum; wc -c >&2'], input);
    expect({ code, sum: stdout }).toMatchObject({ code: 0, sum: expect.stringMatching(/^[0-9a-f]{64} {2}-\n$/) });
    expect(stderr).toBe(`${input}0\n`);
  });

  it('carries bytes as they are, both ways', async () => {
    const bytes = randomBytes(1_000_000);
    const { stdout } = await client.ssh(['base64 -w0'], bytes);
    expect(stdout).toBe(bytes.toString('base64'));
  });

  it('says with 255 and a signal how a killed command ended', async () => {
    expect(await client.ssh(['kill -TERM $$'])).toMatchObject({ code: 255 });
  });

  it('passes a variable on, and says that it is a session by ssh', async () => {
    const { stdout } = await client.ssh(['printf %s "$SSH_CONNECTION"']);
    expect(stdout).toMatch(/^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+$/);
    const sent = await client.open(['-o', 'SetEnv=GREETING=hello', client.address, 'echo $GREETING']).ended;
    expect(sent.stdout).toBe('hello\n');
  });

  it('is an interactive shell in a terminal, whose size follows', async () => {
    const pty = spawnPty('ssh', [...client.options, client.address], { cols: 91, rows: 31, name: 'xterm-256color' });
    let seen = '';
    pty.onData((data) => {
      seen += data;
    });
    const exited = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
    pty.write('stty size; echo "<$TERM>"\r');
    await eventually(() => seen.includes('31 91') && seen.includes('<xterm-256color>'));
    pty.resize(102, 42);
    // The new size travels on its own: asked until it is there.
    pty.write('until stty size | grep "42 102"; do :; done\r');
    await eventually(() => /^42 102\r$/m.test(seen));
    pty.write('exit 5\r');
    expect(await exited).toBe(5);
  });

  it('hangs the program up when the client goes', async () => {
    const file = join(ssh.daemon.home, 'hung-up');
    const { child, ended } = client.open([
      client.address,
      `trap 'echo yes > ${file}; exit' HUP; echo started; while :; do sleep 0.05; done`,
    ]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await ended;
    await eventually(() => existsSync(file));
  });
});

describe('copies', () => {
  const sample = (): { readonly path: string; readonly bytes: Buffer } => {
    const path = join(client.folder, 'sample');
    const bytes = randomBytes(2_500_000);
    writeFileSync(path, bytes, { mode: 0o640 });
    return { path, bytes };
  };

  it('by scp, both ways, by SFTP and by the old protocol', async () => {
    const { path, bytes } = sample();
    for (const protocol of ['-s', '-O']) {
      expect(await client.scp([protocol, path, `${client.address}:there`])).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(join(ssh.daemon.home, 'there')).equals(bytes)).toBe(true);
      const back = join(client.folder, `back${protocol}`);
      expect(await client.scp([protocol, `${client.address}:there`, back])).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(back).equals(bytes)).toBe(true);
    }
  });

  it('by sftp, with folders, renames and removals', async () => {
    const { path, bytes } = sample();
    const back = join(client.folder, 'back');
    const batch = [
      'mkdir d',
      `put ${path} d/a`,
      'rename d/a d/b',
      'chmod 600 d/b',
      `get d/b ${back}`,
      'rm d/b',
      'rmdir d',
    ];
    expect(await client.sftp(batch.join('\n'))).toMatchObject({ code: 0 });
    expect(readFileSync(back).equals(bytes)).toBe(true);
    expect(existsSync(join(ssh.daemon.home, 'd'))).toBe(false);
  });

  it('by rsync, both ways', async () => {
    const { path, bytes } = sample();
    const folder = join(client.folder, 'tree/below');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'copy'), readFileSync(path));
    expect(await client.rsync(['-a', join(client.folder, 'tree'), `${client.address}:`])).toMatchObject({ code: 0 });
    expect(readFileSync(join(ssh.daemon.home, 'tree/below/copy')).equals(bytes)).toBe(true);
    expect(await client.rsync(['-a', `${client.address}:tree/`, join(client.folder, 'back')])).toMatchObject({
      code: 0,
    });
    expect(readFileSync(join(client.folder, 'back/below/copy')).equals(bytes)).toBe(true);
  });
});

describe('forwarding', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  /** A port of this machine that is free now. */
  const freePort = async (): Promise<number> => {
    const probe = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  };
  const startWeb = async (): Promise<number> => {
    const server = createServer((request, response) => {
      text(request).then(
        (body) => response.end(`${request.method ?? ''} ${request.url ?? ''} ${body}`),
        () => undefined,
      );
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closing.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  };
  const forward = async (to: string): Promise<{ readonly port: number; readonly said: () => string }> => {
    const port = await freePort();
    const { child } = client.open([
      '-v',
      '-N',
      '-o',
      'ExitOnForwardFailure=yes',
      '-L',
      `${port}:${to}`,
      client.address,
    ]);
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString();
    });
    await eventually(() => said.includes('Entering interactive session'));
    return { port, said: () => said };
  };

  it('leads to a port of the sandbox, many at a time', async () => {
    const { port } = await forward(`localhost:${await startWeb()}`);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) =>
        (await fetch(`http://127.0.0.1:${port}/${n}`, { method: 'POST', body: `body-${n}` })).text(),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => `POST /${n} body-${n}`));
  });

  it.each(['example.com:80', '169.254.169.254:80', '10.0.0.1:443', '127.0.0.2:1'])(
    'leads nowhere else: %s is refused',
    async (to) => {
      const { port, said } = await forward(to);
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('close', resolve));
      await eventually(() => /channel \d+: open failed/.test(said()));
    },
  );

  it('to a port where nothing listens is refused, and the connection goes on', async () => {
    const { port, said } = await forward(`localhost:${await freePort()}`);
    for (let n = 1; n <= 2; n++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('close', resolve));
      await eventually(() => (said().match(/open failed/g) ?? []).length >= n);
    }
  });

  it.each([
    ['a port for others to come in by', ['-R', '0:localhost:80']],
    ['a socket', ['-R', '/tmp/matrx-ssh-test.sock:localhost:80']],
  ])('opens nothing in the sandbox that leads to the client: %s', async (_what, args) => {
    const { code, stderr } = await client.open(['-N', '-o', 'ExitOnForwardFailure=yes', ...args, client.address]).ended;
    expect({ code, stderr }).toEqual({ code: 255, stderr: expect.stringContaining('remote port forwarding failed') });
  });

  it('carries no agent and no X11', async () => {
    const { stdout } = await client.open(['-A', '-X', client.address, 'echo "<$SSH_AUTH_SOCK$DISPLAY>"']).ended;
    expect(stdout).toBe('<>\n');
  });
});
