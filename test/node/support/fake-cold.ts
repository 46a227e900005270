import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ColdDriverName } from '../../../src/api/workspace-cold.ts';
import type { CredentialProvider } from '../../../src/node/cold/credentials.ts';
import type { MountDriver } from '../../../src/node/cold/mount-driver.ts';
import { makeMounts } from '../../../src/node/mounts.ts';

/** Cold storage without a bucket: a real mount (of memory), and a queue that the test fills and empties. */
export interface FakeCold {
  readonly drivers: Readonly<Record<ColdDriverName, MountDriver>>;
  /** What mounted each of the targets. */
  readonly by: readonly ColdDriverName[];
  readonly provider: CredentialProvider;
  /** Every target that was mounted, in order. */
  readonly targets: readonly string[];
  /** Whose credentials were revoked, in order. */
  readonly revoked: readonly string[];
  /** What each following mount meets. */
  fault: Error | undefined;
  /** Mounts wait until this resolves. */
  gate: Promise<void>;
  /** How many files are not uploaded while something is mounted; undefined: what the disk says. */
  sending: boolean;
  /** Ends the running mount, as a crash would. */
  readonly crash: (reason: string) => void;
}

const unsentFile = (folder: string): string => path.join(folder, 'unsent');

/** The sandbox has written so many files that are not in the bucket. */
export const writeUnsent = (folder: string, files: number): void => writeFileSync(unsentFile(folder), String(files));

const readUnsent = (folder: string): number =>
  existsSync(unsentFile(folder)) ? Number(readFileSync(unsentFile(folder), 'utf8')) : 0;

export const makeFakeCold = (): FakeCold => {
  const targets: string[] = [];
  const revoked: string[] = [];
  const by: ColdDriverName[] = [];
  const mounts = makeMounts();
  let crash: (reason: string) => void = () => undefined;
  const driver = (name: ColdDriverName): MountDriver => ({
    name,
    unsent: (folder) => Promise.resolve(readUnsent(folder)),
    mount: async ({ target, folder }) => {
      await fake.gate;
      if (fake.fault !== undefined) throw fake.fault;
      await mounts.unbind(target);
      execFileSync('mkdir', ['-p', target]);
      execFileSync('mount', ['-t', 'tmpfs', 'cold', target]);
      targets.push(target);
      by.push(name);
      const ended = Promise.withResolvers<string>();
      crash = ended.resolve;
      return {
        ended: ended.promise,
        queue: () => {
          if (fake.sending) writeUnsent(folder, 0);
          const files = readUnsent(folder);
          return Promise.resolve({ files, bytes: files * 100, failing: 0 });
        },
        hurry: () => Promise.resolve(),
        unmount: async () => {
          await mounts.unbind(target);
          execFileSync('mkdir', ['-p', target]);
        },
        leave: () => undefined,
      };
    },
  });
  const fake: FakeCold = {
    targets,
    revoked,
    by,
    fault: undefined,
    gate: Promise.resolve(),
    sending: true,
    crash: (reason) => crash(reason),
    provider: {
      issue: () => Promise.resolve({ accessKeyId: 'key', secretAccessKey: 'secret', isolation: 'prefix' }),
      revoke: (userId) => {
        revoked.push(userId);
        return Promise.resolve();
      },
    },
    drivers: { rclone: driver('rclone'), 'mount-s3': driver('mount-s3') },
  };
  return fake;
};
