import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { cp, glob, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openLocal } from '../../../src/local/open-local.ts';
import { makeSharedEngine } from '../../../src/local/shared-engine.ts';
import { succeed } from '../e2e/command.ts';
import { eventually } from '../e2e/eventually.ts';
import { stateOf } from './machine.ts';

/** What containerd in a machine keeps below `up`'s state folder. */
const containerdRoot = (folder: string): string => join(stateOf(folder), 'cluster/containerd');

/** Writes an image of the Docker Engine to a file. */
export const saveImage = (image: string, archive: string, signal: AbortSignal): Promise<void> => {
  const context = { report: () => undefined, log: `${archive}.log`, signal };
  return makeSharedEngine(openLocal()).use(context, async ({ engine }) =>
    pipeline(await engine.save(image), createWriteStream(archive)),
  );
};

/**
 * Puts images from files into a folder of containerd's, which `insertImageDisk` gives to machines: they reach no
 * registry, and loading images takes longer than all else in a machine's start. The files are gone afterwards.
 */
export const makeImageDisk = async (disk: string, archives: readonly string[], signal: AbortSignal): Promise<void> => {
  await mkdir(disk, { recursive: true });
  await withContainerd(disk, signal, async (own) => {
    for (const archive of archives) {
      await succeed('ctr', [...own, 'images', 'import', archive], { deadlineMs: 240_000, signal });
      await rm(archive);
    }
  });
};

/** A containerd for as long as `act` takes, which gets the arguments that lead `ctr` to it. */
const withContainerd = async (
  disk: string,
  signal: AbortSignal,
  act: (own: readonly string[]) => Promise<void>,
): Promise<void> => {
  const socket = `${disk}.sock`;
  const configuration = `${disk}.toml`;
  await writeFile(configuration, 'version = 2\noom_score = 0\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const containerd = spawn(
    'containerd',
    [`--config=${configuration}`, `--root=${disk}`, `--state=${disk}.state`, `--address=${socket}`],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => void containerd.once('close', resolve));
  const own = ['--address', socket, '--namespace', 'k8s.io'];
  try {
    await eventually(
      'containerd answers',
      async () => {
        await succeed('ctr', [...own, 'images', 'ls', '-q'], { deadlineMs: 20_000, signal });
        return true;
      },
      { deadlineMs: 120_000, signal },
    );
    await act(own);
  } finally {
    containerd.kill('SIGTERM');
    await ended;
  }
};

/**
 * A new machine's disk with these images. Layers are shared by hard links, which nothing writes to: a container's own
 * files go to a layer of its own. The databases are copies.
 */
export const insertImageDisk = async (disk: string, folder: string): Promise<void> => {
  const root = containerdRoot(folder);
  await mkdir(root, { recursive: true });
  await succeed('cp', ['--archive', '--link', `${disk}/.`, root], { deadlineMs: 60_000 });
  // No further down: a link in an image, such as /var/run, leads out of it.
  for await (const name of glob('io.containerd.*/*.db', { cwd: disk })) {
    await rm(join(root, name));
    await cp(join(disk, name), join(root, name));
  }
};
