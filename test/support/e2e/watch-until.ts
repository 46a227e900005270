import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../../src/api/meta.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { ResourceType } from '../../../src/kube/client.ts';
import { runCommand } from './command.ts';

export interface WatchUntilOptions<T extends KubeObject> {
  /** Milliseconds until it gives up. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** For the message at the deadline: the part of the object that matters. */
  readonly describe?: (object: T) => string;
}

export interface WatchTarget {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Resolves with the first state of one object that `accept` holds for; `undefined` stands for "there is none". Sees
 * every state the API server tells of, so that a short one is not missed. Rejects at the deadline with the last state.
 */
export const watchUntil = async <T extends KubeObject>(
  what: string,
  target: WatchTarget,
  accept: (object: T | undefined) => boolean,
  options: WatchUntilOptions<T>,
): Promise<T | undefined> => {
  const deadline = AbortSignal.timeout(options.deadlineMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  let last: T | undefined;
  while (!signal.aborted) {
    for await (const object of states<T>(target, signal)) {
      last = object;
      if (accept(object)) return object;
    }
    // The watch has ended (server restarted, connection cut): a new one, at a pace that hurts nobody.
    await systemClock.sleep(200, signal).catch(() => undefined);
  }
  options.signal?.throwIfAborted();
  const state = last === undefined ? 'there is none' : (options.describe ?? JSON.stringify)(last);
  throw new Error(`not within ${options.deadlineMs / 1000} s: ${what}; ${target.type.kind} ${target.name}: ${state}`);
};

interface ListAnswer<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

interface WatchLine<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR';
  readonly object: T;
}

/** List, then watch from there: the present state first, each change after it. Ends when the watch does. */
async function* states<T extends KubeObject>(target: WatchTarget, signal: AbortSignal): AsyncGenerator<T | undefined> {
  const { type, namespace, name } = target;
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const path = `${root}/namespaces/${namespace}/${type.plural}?fieldSelector=metadata.name%3D${name}`;
  const answer = await runCommand('kubectl', ['get', '--raw', path], { deadlineMs: 20_000, signal }).catch(
    () => undefined,
  );
  if (answer?.exitCode !== 0) return;
  const list = JSON.parse(answer.stdout.toString()) as ListAnswer<T>;
  yield list.items[0];

  const watch = `${path}&watch=true&resourceVersion=${list.metadata.resourceVersion}`;
  const child = spawn('kubectl', ['get', '--raw', watch], { stdio: ['ignore', 'pipe', 'ignore'], env: process.env });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as WatchLine<T>;
      if (event.type === 'ERROR') return;
      yield event.type === 'DELETED' ? undefined : event.object;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
