import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../base/errors.ts';
import type { DockerEngine } from '../docker/engine.ts';
import { run } from './command.ts';
import type { Local } from './local.ts';
import { BASE_IMAGE_PROGRAMS, installPackages, missingPackages } from './packages.ts';
import type { StepContext } from './step.ts';

export const REGISTRY_BASE = 'debian:12-slim';
const SUITE = 'bookworm';
const OWN_BASE = `matrx.local/debian:${SUITE}`;
/** A registry that is there answers within this; one that is not must not hold everything up. */
const PULL_TIMEOUT_MS = 180_000;

/** What a slim image leaves out of a Debian: nobody reads manuals in it. */
const LEFT_OUT = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'var/cache/apt',
  'var/log',
  'var/lib/apt/lists',
];

/** An image's name, and how it came, for a person. */
export interface BaseImage {
  readonly name: string;
  readonly how: string;
}

/** The base of both images: from the engine, from a registry if one answers, else made by debootstrap. */
export const ensureBaseImage = async (local: Local, engine: DockerEngine, context: StepContext): Promise<BaseImage> => {
  for (const name of [REGISTRY_BASE, OWN_BASE]) {
    if (await engine.hasImage(name)) return { name, how: `on ${name}, which was there` };
  }
  try {
    context.report(`pulling ${REGISTRY_BASE}`);
    await engine.pull(REGISTRY_BASE, context.report, PULL_TIMEOUT_MS);
    return { name: REGISTRY_BASE, how: `on ${REGISTRY_BASE} from its registry` };
  } catch (error) {
    context.report(`no registry answers (${errorMessage(error)}): debootstrap makes the base`);
  }
  await debootstrap(local, engine, context);
  return { name: OWN_BASE, how: `on Debian ${SUITE} made by debootstrap, as no registry answered` };
};

const debootstrap = async (local: Local, engine: DockerEngine, context: StepContext): Promise<void> => {
  const missing = await missingPackages(BASE_IMAGE_PROGRAMS, [], local.env.PATH ?? '');
  const options = { env: local.env, log: context.log, onLine: context.report, signal: context.signal };
  if (missing.length > 0) await installPackages(missing, { ...options, isRoot: local.isRoot });
  const folder = join(local.paths.cache, 'debootstrap');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await run(['debootstrap', '--variant=minbase', SUITE, folder], options);
    await writeFile(join(folder, 'etc/apt/sources.list'), await aptSources(folder));
    // Slim stays slim when packages are added.
    await writeFile(
      join(folder, 'etc/dpkg/dpkg.cfg.d/matrx-slim'),
      LEFT_OUT.filter((path) => path.startsWith('usr/share'))
        .map((path) => `path-exclude=/${path}/*\n`)
        .join(''),
    );
    context.report('importing the base image');
    const excludes = [...LEFT_OUT.map((path) => `--exclude=./${path}/*`), '--exclude=./proc/*', '--exclude=./sys/*'];
    const tar = spawn('tar', ['-C', folder, '--numeric-owner', ...excludes, '-c', '.'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: local.env,
    });
    const ended = new Promise<void>((resolve, reject) => {
      tar.on('error', reject);
      tar.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with exit code ${code}`))));
    });
    await Promise.all([engine.importRoot(tar.stdout, OWN_BASE), ended]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** debootstrap names only the release itself; updates and security fixes come from their own places. */
const aptSources = async (folder: string): Promise<string> => {
  const { readFile } = await import('node:fs/promises');
  const [line = ''] = (await readFile(join(folder, 'etc/apt/sources.list'), 'utf8')).split('\n');
  const mirror = line.split(' ')[1] ?? '';
  const security = mirror.replace(/\/debian\/?$/, '/debian-security');
  return [
    `deb ${mirror} ${SUITE} main`,
    `deb ${mirror} ${SUITE}-updates main`,
    `deb ${security} ${SUITE}-security main`,
    '',
  ].join('\n');
};
