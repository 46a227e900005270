import { access, rm, writeFile } from 'node:fs/promises';
import { CommandError, findProgram, run, type CommandOptions } from './command.ts';

/** A program that must be there, the Debian package that brings it, and where else to look than in PATH. */
export interface NeededProgram {
  readonly program: string;
  readonly debianPackage: string;
}

const needs = (program: string, debianPackage: string): NeededProgram => ({ program, debianPackage });

/** What a cluster built from modules takes from the distribution. */
export const CLUSTER_PROGRAMS: readonly NeededProgram[] = [
  needs('containerd', 'containerd'),
  needs('ctr', 'containerd'),
  needs('runc', 'runc'),
  needs('iptables', 'iptables'),
  needs('nft', 'nftables'),
  needs('conntrack', 'conntrack'),
  needs('ethtool', 'ethtool'),
  needs('socat', 'socat'),
  needs('ip', 'iproute2'),
  needs('mount', 'mount'),
  needs('openssl', 'openssl'),
  needs('modprobe', 'kmod'),
  needs('gcc', 'gcc'),
];
/** A file rather than a program: the plugins lie outside of PATH, and libc's archive makes static programs. */
export const CLUSTER_FILES: readonly { readonly file: string; readonly debianPackage: string }[] = [
  { file: '/usr/lib/cni/bridge', debianPackage: 'containernetworking-plugins' },
  { file: '/usr/lib/cni/host-local', debianPackage: 'containernetworking-plugins' },
  { file: '/usr/include/stdio.h', debianPackage: 'libc6-dev' },
];
export const ENGINE_PROGRAMS: readonly NeededProgram[] = [needs('dockerd', 'docker.io'), needs('iptables', 'iptables')];
export const BASE_IMAGE_PROGRAMS: readonly NeededProgram[] = [needs('debootstrap', 'debootstrap'), needs('tar', 'tar')];

/** Where programs for root lie, whatever PATH a user has. */
export const withSystemFolders = (path: string): string =>
  [...new Set([...path.split(':'), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])]
    .filter((folder) => folder !== '')
    .join(':');

/** The Debian packages for what is missing, each once. */
export const missingPackages = async (
  programs: readonly NeededProgram[],
  files: readonly { readonly file: string; readonly debianPackage: string }[],
  path: string,
): Promise<readonly string[]> => {
  const missing = new Set<string>();
  for (const { program, debianPackage } of programs) {
    if ((await findProgram(program, path)) === undefined) missing.add(debianPackage);
  }
  for (const { file, debianPackage } of files) {
    await access(file).catch(() => missing.add(debianPackage));
  }
  return [...missing];
};

/** One apt at a time: two steps may find out at the same moment that they need packages. */
let aptQueue: Promise<unknown> = Promise.resolve();

type InstallOptions = { readonly env: Readonly<NodeJS.ProcessEnv>; readonly isRoot: boolean } & Pick<
  CommandOptions,
  'log' | 'onLine' | 'signal'
>;

/**
 * Installs Debian packages; services that they bring are not started. Throws an error that names the packages where
 * that is not possible: no apt-get, no root.
 */
export const installPackages = (packages: readonly string[], options: InstallOptions): Promise<void> => {
  const turn = aptQueue.then(() => install(packages, options));
  aptQueue = turn.catch(() => {});
  return turn;
};

const install = async (packages: readonly string[], options: InstallOptions): Promise<void> => {
  const { isRoot, env, ...output } = options;
  const wanted = packages.join(' ');
  if ((await findProgram('apt-get', env.PATH ?? '')) === undefined) {
    throw new Error(
      `not installed: ${wanted} (names of Debian packages); install them with this system's package tool`,
    );
  }
  if (!isRoot) throw new Error(`not installed: ${wanted}; run \`sudo apt-get install ${wanted}\`, then this again`);
  const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  const aptGet = (...args: string[]): Promise<string> =>
    run(['apt-get', '-o', 'DPkg::Lock::Timeout=120', ...args], { ...output, env: aptEnv });
  const installAll = (): Promise<string> => aptGet('install', '--yes', '--no-install-recommends', ...packages);
  await withoutServices(async () => {
    try {
      await installAll();
    } catch (error) {
      // A new machine has no package lists yet, an old one has lists of files that are gone.
      if (!(error instanceof CommandError)) throw error;
      await aptGet('update');
      await installAll();
    }
  });
};

/** Debian's way to say that installing a package starts no service (invoke-rc.d(8)). */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/**
 * A Docker or containerd that its package starts would make interfaces and firewall rules that no `down` knows of, and
 * would be there again after a reboot. A policy that the machine has already stays in force.
 */
const withoutServices = async (act: () => Promise<void>): Promise<void> => {
  let isOurs = false;
  try {
    await writeFile(SERVICE_POLICY, '#!/bin/sh\n# While packages are installed: start no services.\nexit 101\n', {
      mode: 0o755,
      flag: 'wx',
    });
    isOurs = true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    await act();
  } finally {
    if (isOurs) await rm(SERVICE_POLICY, { force: true });
  }
};
