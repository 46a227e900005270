import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { run } from '../command.ts';

/** The program that holds a pod's namespaces open: it waits for ever, reaps what dies, and ends on TERM or INT. */
const PAUSE_SOURCE = `#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  struct sigaction on_end = {.sa_handler = end}, on_child = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
  sigaction(SIGINT, &on_end, 0);
  sigaction(SIGTERM, &on_end, 0);
  sigaction(SIGCHLD, &on_child, 0);
  for (;;) pause();
}
`;

/** The tag changes with the source. */
export const PAUSE_IMAGE = `matrx.local/pause:${createHash('sha256').update(PAUSE_SOURCE).digest('hex').slice(0, 12)}`;

/** Compiles the program and resolves with its image, as an archive that `ctr images import` takes. */
export const buildPauseArchive = async (folder: string, log: string): Promise<Buffer> => {
  await mkdir(folder, { recursive: true });
  const [source, program] = [join(folder, 'pause.c'), join(folder, 'pause')];
  await writeFile(source, PAUSE_SOURCE);
  await run(['gcc', '-static', '-Os', '-s', '-o', program, source], { log });
  return imageArchive(PAUSE_IMAGE, await readFile(program));
};

/** A one-layer, one-file image in the format of `docker save`. */
const imageArchive = async (tag: string, program: Buffer): Promise<Buffer> => {
  const layerPack = pack();
  layerPack.entry({ name: 'pause', mode: 0o755, mtime: new Date(0) }, program);
  layerPack.finalize();
  const layer = await buffer(layerPack);
  const config = JSON.stringify({
    architecture: { x64: 'amd64', arm64: 'arm64' }[arch() as 'x64' | 'arm64'],
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
    history: [{ created_by: 'matrx-sandbox' }],
  });
  const archive = pack();
  archive.entry({ name: 'config.json' }, config);
  archive.entry({ name: 'layer.tar' }, layer);
  archive.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }]),
  );
  archive.finalize();
  return buffer(archive);
};
