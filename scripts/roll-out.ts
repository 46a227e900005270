// `make roll-out`: makes the committed manifests and the images of TAG the ones that run on the host INSTANCE_ID. The host
// does it by itself (roll-out-host.sh), as a command of Systems Manager: a runner that dies leaves it no half work.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, run } from '../src/local/command.ts';
import { imageSettings, setting } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');
/** Twice (there and back) three workloads of 180 s, a minute of health checks, and pulling images. */
const HOST_SECONDS = 1800;
/** Systems Manager has to reach the host first. */
const DELIVERY_SECONDS = 300;
const PAUSE_MS = Number(process.env['POLL_MS'] ?? 5000);
/** Of the archive in base64: far below what a command may hold. */
const MOST_BYTES = 60_000;
/** All that /etc/matrx/kustomization.yaml may name, and what makes it so. */
const FILES = [
  'crds',
  'manifests/base',
  'manifests/components',
  'manifests/overlays/aws-single-node',
  'manifests/overlays/aws-multi-node',
  'scripts/roll-out-host.sh',
];

const git = (...args: string[]): Promise<string> => run(['git', ...args], { cwd: ROOT });

/** One line of a shell a line. All values have been held against a form that has no quotes and no spaces. */
const hostCommands = async (revision: string, images: ReturnType<typeof imageSettings>): Promise<readonly string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'matrx-roll-out-'));
  const file = join(folder, 'release.tar.gz');
  let archive: string;
  try {
    // What is committed, not what lies in the work tree.
    await git('archive', `--output=${file}`, revision, ...FILES);
    archive = (await readFile(file)).toString('base64');
  } finally {
    await rm(folder, { recursive: true });
  }
  if (archive.length > MOST_BYTES) {
    throw new Error(`the manifests are ${archive.length} bytes as a command, which is to have ${MOST_BYTES} at most`);
  }
  return [
    'set -eu',
    'release=$(mktemp -d)',
    'trap \'rm -rf "$release"\' EXIT',
    `echo ${archive} | base64 -d | tar -xz -C "$release"`,
    `REVISION=${revision} PRODUCT_IMAGE=${images.product} SANDBOX_IMAGE=${images.sandbox} bash "$release/scripts/roll-out-host.sh"`,
  ];
};

interface Invocation {
  readonly Status: string;
  readonly StatusDetails?: string;
  readonly StandardOutputContent?: string;
  readonly StandardErrorContent?: string;
}

const UNFINISHED = ['Pending', 'InProgress', 'Delayed', 'Cancelling'];

const invocationOf = async (command: string, instance: string): Promise<Invocation> => {
  try {
    const text = await run(
      ['aws', 'ssm', 'get-command-invocation', '--command-id', command, '--instance-id', instance, '--output', 'json'],
      { timeoutMs: 60_000 },
    );
    return JSON.parse(text) as Invocation;
  } catch (error) {
    // It takes a moment until Systems Manager knows what it was given.
    if (error instanceof CommandError && error.output.includes('InvocationDoesNotExist')) return { Status: 'Pending' };
    throw error;
  }
};

const waitFor = async (command: string, instance: string): Promise<Invocation> => {
  const deadline = Date.now() + (DELIVERY_SECONDS + HOST_SECONDS + 60) * 1000;
  for (;;) {
    const invocation = await invocationOf(command, instance);
    if (!UNFINISHED.includes(invocation.Status)) return invocation;
    if (Date.now() > deadline) {
      throw new Error(`command ${command} on ${instance} is still ${invocation.Status}: look at it with aws ssm`);
    }
    await sleep(PAUSE_MS);
  }
};

const instance = setting('INSTANCE_ID', /^i-[0-9a-f]{8,17}$/, 'i-0123456789abcdef0 (terraform output ec2_instance_id)');
const images = imageSettings();
const revision = (await git('rev-parse', 'HEAD')).trim();
const parameters = { commands: await hostCommands(revision, images), executionTimeout: [String(HOST_SECONDS)] };
const sent = await run(
  [
    'aws',
    'ssm',
    'send-command',
    '--document-name=AWS-RunShellScript',
    `--instance-ids=${instance}`,
    `--timeout-seconds=${DELIVERY_SECONDS}`,
    `--comment=roll-out ${revision.slice(0, 12)}`,
    `--parameters=${JSON.stringify(parameters)}`,
    '--query=Command.CommandId',
    '--output=text',
  ],
  { timeoutMs: 60_000 },
);
const command = sent.trim();
console.log(`roll-out of ${revision} on ${instance}: command ${command}`);
const {
  Status,
  StatusDetails,
  StandardOutputContent = '',
  StandardErrorContent = '',
} = await waitFor(command, instance);
console.log(StandardOutputContent);
console.log(StandardErrorContent);
console.log(Status === 'Success' ? 'the release runs and is healthy' : `FAILED: ${StatusDetails ?? Status}`);
process.exitCode = Status === 'Success' ? 0 : 1;
