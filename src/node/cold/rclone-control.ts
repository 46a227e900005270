import { request } from 'node:http';
import { z } from 'zod';
import type { UploadQueue } from './mount-driver.ts';

const CALL_MS = 5000;
/** It includes rclone's own attempts. */
const REFRESH_MS = 25_000;

/** rclone's remote control, on a UNIX socket that root alone can reach. https://rclone.org/rc/ */
export interface RcloneControl {
  /** Whether it answers. Never rejects. */
  readonly alive: () => Promise<boolean>;
  readonly queue: (signal?: AbortSignal) => Promise<UploadQueue>;
  /** Reads the mount's top folder from the bucket. Rejects with what the server said. */
  readonly refresh: (signal?: AbortSignal) => Promise<void>;
  /** Uploads what waits for its delay, or for another attempt, now. */
  readonly hurry: (signal?: AbortSignal) => Promise<void>;
}

const Queue = z.object({
  queue: z.array(z.object({ id: z.number(), size: z.number(), tries: z.number(), uploading: z.boolean() })).nullish(),
});

const Refreshed = z.object({ result: z.record(z.string(), z.string()) });

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
  refresh: async (signal) => {
    const { result } = Refreshed.parse(await call(socketPath, 'vfs/refresh', signal, {}, REFRESH_MS));
    const failure = Object.values(result).find((word) => word !== 'OK');
    if (failure !== undefined) throw new Error(`the bucket cannot be read: ${failure}`);
  },
  hurry: async (signal) => {
    const { queue } = Queue.parse(await call(socketPath, 'vfs/queue', signal));
    for (const { id, uploading } of queue ?? []) {
      // One that has begun or ended meanwhile is not there any more.
      if (!uploading) await call(socketPath, 'vfs/queue-set-expiry', signal, { id, expiry: -1 }).catch(() => undefined);
    }
  },
});

const call = (
  socketPath: string,
  path: string,
  signal?: AbortSignal,
  parameters: object = {},
  ms = CALL_MS,
): Promise<unknown> => {
  const deadline = AbortSignal.timeout(ms);
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
    sent.end(JSON.stringify(parameters));
  });
};
