import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach } from '@jest/globals';
import type { Access } from './ssh-facade.ts';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The machine's OpenSSH programs, with nothing of the machine's own configuration, keys or agent. */
export interface OpenSsh {
  /** A folder for the client's files, removed after the test. */
  readonly folder: string;
  /** How `ssh` has to be called for `access`: `-i`, `-p` and the like, without the address. */
  readonly options: readonly string[];
  readonly address: string;
  readonly ssh: (args: readonly string[], stdin?: string | Buffer) => Promise<Ran>;
  /** The same, while it runs. */
  readonly open: (args: readonly string[]) => OpenProcess;
  readonly scp: (args: readonly string[]) => Promise<Ran>;
  readonly sftp: (batch: string) => Promise<Ran>;
  readonly rsync: (args: readonly string[]) => Promise<Ran>;
}

export interface OpenProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<Ran>;
}

const MISSING =
  "the tests of the SSH gateway run OpenSSH's clients and rsync: apt-get install openssh-client openssh-sftp-server rsync";

const folders: string[] = [];
const children = new Set<OpenProcess['child']>();

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }
  children.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export const openProcess = (program: string, args: readonly string[]): OpenProcess => {
  const { SSH_AUTH_SOCK: _agent, ...env } = process.env;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  children.add(child);
  // It may end before it has read all that it is given.
  child.stdin.on('error', () => undefined);
  const ended = Promise.all([
    new Promise<number | null>((resolve, reject) =>
      child.once('error', (cause) => reject(new Error(`${program}: ${MISSING}`, { cause }))).once('close', resolve),
    ),
    buffer(child.stdout),
    buffer(child.stderr),
  ]).then(([code, stdout, stderr]) => ({ code, stdout: stdout.toString(), stderr: stderr.toString() }));
  return { child, ended };
};

export const runProgram = (program: string, args: readonly string[], stdin: string | Buffer = ''): Promise<Ran> => {
  const { child, ended } = openProcess(program, args);
  child.stdin.end(stdin);
  return ended;
};

/** `privateKey` where it is not the one that was given out with the access. */
export const makeOpenSsh = (
  access: Access,
  { privateKey = access.private_key ?? '', username = access.username } = {},
): OpenSsh => {
  const folder = mkdtempSync(join(tmpdir(), 'matrx-ssh-'));
  folders.push(folder);
  const key = join(folder, 'key.pem');
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(key, privateKey, { mode: 0o600 });
  writeFileSync(knownHosts, `${access.known_hosts}\n`);
  const common = [
    ['-F', 'none', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
    ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=none'],
  ].flat();
  const options = [...common, '-p', String(access.port)];
  const forCopies = [...common, '-P', String(access.port)];
  const address = `${username}@${access.host}`;
  return {
    folder,
    options,
    address,
    ssh: (args, stdin) => runProgram('ssh', [...options, address, ...args], stdin),
    open: (args) => openProcess('ssh', [...options, ...args]),
    scp: (args) => runProgram('scp', ['-q', ...forCopies, ...args]),
    sftp: (batch) => runProgram('sftp', [...forCopies, '-b', '-', address], batch),
    rsync: (args) => runProgram('rsync', ['-e', ['ssh', ...options].join(' '), ...args]),
  };
};
