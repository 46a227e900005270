import { request } from 'node:http';
import { z } from 'zod';
import type { UploadQueue } from './mount-driver.ts';

const CALL_MS = 5000;

/** rclone's remote control, on a UNIX socket that root alone can reach. https://rclone.org/rc/ */
export interface RcloneControl {
  /** Whether it answers. Never rejects. */
  readonly alive: () => Promise<boolean>;
  readonly queue: (signal?: AbortSignal) => Promise<UploadQueue>;
}

const Queue = z.object({
  queue: z.array(z.object({ size: z.number(), tries: z.number(), uploading: z.boolean() })).nullish(),
});

export const makeRcloneControl = (socketPath: string): RcloneControl => ({
  alive: () =>
    call(socketPath, 'core/pid').then(
      () => true,
      () => false,
    ),
  queue: async (signal) => {
    const { queue } = Queue.parse(await call(socketPath, 'vfs/queue', signal));
    const waiting = queue ?? [];
    return {
      files: waiting.length,
      bytes: waiting.reduce((sum, { size }) => sum + Math.max(0, size), 0),
      failing: waiting.filter(({ tries, uploading }) => tries > 0 && !uploading).length,
    };
  },
});

const call = (socketPath: string, path: string, signal?: AbortSignal): Promise<unknown> => {
  const deadline = AbortSignal.timeout(CALL_MS);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        path: `/${path}`,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        agent: false,
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`rclone answers ${path} with ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end('{}');
  });
};
