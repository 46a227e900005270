import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../../base/errors.ts';

export const K3S_VERSION = 'v1.36.4+k3s1';

/** The release's programs by Node's name of the architecture; the hashes are those of its sha256sum-*.txt. */
const RELEASES: Readonly<Record<string, { readonly file: string; readonly sha256: string }>> = {
  x64: { file: 'k3s', sha256: '835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f' },
  arm64: { file: 'k3s-arm64', sha256: 'c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb' },
};
/** Where there is no way to the release, that shows at once; the download itself may take longer. */
const CONNECT_TIMEOUT_MS = 5000;
const DOWNLOAD_TIMEOUT_MS = 300_000;

export type K3sDownload = { readonly program: string } | { readonly failure: string };

/** The pinned release in the cache, fetched if need be and checked. Never throws: a failure means "take the next way". */
export const fetchK3s = async (cache: string): Promise<K3sDownload> => {
  const release = RELEASES[arch()];
  if (release === undefined) return { failure: `there is none for ${arch()}` };
  const program = join(cache, 'bin', `k3s-${release.sha256.slice(0, 16)}`);
  try {
    await access(program);
    return { program };
  } catch {
    // Not fetched yet.
  }
  const url = `https://github.com/k3s-io/k3s/releases/download/${encodeURIComponent(K3S_VERSION)}/${release.file}`;
  const staging = `${program}.download`;
  try {
    await mkdir(join(cache, 'bin'), { recursive: true });
    await download(url, staging);
    const actual = await sha256(staging);
    if (actual !== release.sha256) return { failure: `its SHA-256 is ${actual}, not ${release.sha256}` };
    await chmod(staging, 0o755);
    await rename(staging, program);
    return { program };
  } catch (error) {
    return { failure: errorMessage(error) };
  } finally {
    await rm(staging, { force: true });
  }
};

const download = async (url: string, path: string): Promise<void> => {
  const connecting = new AbortController();
  const timer = setTimeout(
    () => connecting.abort(new Error(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`)),
    CONNECT_TIMEOUT_MS,
  );
  try {
    const signal = AbortSignal.any([connecting.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
    const response = await fetch(url, { signal });
    clearTimeout(timer);
    if (!response.ok || response.body === null) throw new Error(`the server answers with ${response.status}`);
    await pipeline(Readable.fromWeb(response.body), createWriteStream(path));
  } finally {
    clearTimeout(timer);
  }
};

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};
