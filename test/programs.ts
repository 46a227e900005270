import { execFileSync } from 'node:child_process';
import { goTool } from '../scripts/go-tools.ts';
import { installPackages, missingPackages, type NeededProgram, withSystemFolders } from '../src/local/packages.ts';

/** What the tests themselves run, beside what `make up` installs for the cluster. */
const TEST_PROGRAMS: readonly NeededProgram[] = [
  { program: 'ssh', debianPackage: 'openssh-client' },
  { program: 'scp', debianPackage: 'openssh-client' },
  { program: 'rsync', debianPackage: 'rsync' },
  { program: 'git', debianPackage: 'git' },
  { program: 'python3', debianPackage: 'python3' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'nft', debianPackage: 'nftables' },
  // rclone mounts by it.
  { program: 'fusermount3', debianPackage: 'fuse3' },
  { program: 'shellcheck', debianPackage: 'shellcheck' },
  { program: 'bats', debianPackage: 'bats' },
  { program: 'sqlite3', debianPackage: 'sqlite3' },
  { program: 'curl', debianPackage: 'curl' },
  { program: 'openssl', debianPackage: 'openssl' },
];
/** Debian's own layout: sftp-server is no program for people. */
const TEST_FILES = [{ file: '/usr/lib/openssh/sftp-server', debianPackage: 'openssh-sftp-server' }];

const canMakeVenv = (): boolean => {
  try {
    execFileSync('python3', ['-c', 'import ensurepip'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Installs what is missing. Throws an error that names the packages where it may not, or there is no apt-get. */
const installTestPrograms = async (): Promise<void> => {
  const { env } = process;
  const missing = [...(await missingPackages(TEST_PROGRAMS, TEST_FILES, withSystemFolders(env['PATH'] ?? '')))];
  if (!canMakeVenv()) missing.push('python3-venv');
  if (missing.length === 0) return console.log('all there');
  console.log(`installing ${missing.join(' ')}`);
  await installPackages(missing, { env, isRoot: process.getuid?.() === 0 });
};

await installTestPrograms();
// Here, and not under the deadline of the test that comes to one first.
for (const name of ['actionlint', 'glua', 'kubeconform', 'kustomize'] as const) console.log(await goTool(name));
