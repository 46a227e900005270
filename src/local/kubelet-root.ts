import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Local } from './local.ts';
import { KUBELET_ROOT } from './paths.ts';

/** Says whose kubelet uses the folder: the path of the state folder. */
const MARKER = join(KUBELET_ROOT, '.matrx-local');

/** Makes kubelet's folder ours. Throws when another kubelet has left its data there. */
export const claimKubeletRoot = async (local: Local): Promise<void> => {
  await mkdir(KUBELET_ROOT, { recursive: true, mode: 0o750 });
  if (await ownsKubeletRoot(local)) return;
  const entries = await readdir(KUBELET_ROOT);
  if (entries.length > 0) {
    throw new Error(
      `${KUBELET_ROOT} holds the data of another kubelet (${entries.slice(0, 3).join(', ')}): move it away, or set KUBECONFIG to use that cluster`,
    );
  }
  await writeFile(MARKER, `${local.paths.state}\n`);
};

export const ownsKubeletRoot = async (local: Local): Promise<boolean> =>
  (await readFile(MARKER, 'utf8').catch(() => '')).trim() === local.paths.state;
