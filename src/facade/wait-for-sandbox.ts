import type { Sandbox } from '../api/sandbox.ts';
import { isKubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import { isOlder } from '../runtime/resource-version.ts';
import type { FacadeDependencies } from './dependencies.ts';

type WaitDependencies = Pick<FacadeDependencies, 'kube' | 'cache' | 'clock' | 'settings'>;

/** How a wait ended. `sandbox` is the last state that was seen. */
export type WaitEnd<T> =
  | { readonly kind: 'settled'; readonly sandbox: Sandbox; readonly value: T }
  /** `impatient`: given up before the limit. */
  | { readonly kind: 'limit' | 'impatient'; readonly sandbox: Sandbox }
  | { readonly kind: 'gone'; readonly sandbox: Sandbox };

export interface WaitOptions<T> {
  /** What the API server answered to the write whose effect is waited for; nothing earlier is looked at. */
  readonly initial: Sandbox;
  /** Undefined: not settled, wait on. */
  readonly judge: (sandbox: Sandbox) => T | undefined;
  readonly limitMs: number;
  /** Gives up earlier: so many milliseconds after `when` was first true, if it is true then as well. */
  readonly impatience?: { readonly when: (sandbox: Sandbox) => boolean; readonly ms: number };
  readonly signal: AbortSignal;
}

/** Waits on the cache until `judge` settles, the Sandbox is gone or the limit is over. Rejects when `signal` aborts. */
export const waitForSandbox = async <T>(
  dependencies: WaitDependencies,
  { initial, judge, limitMs, impatience, signal }: WaitOptions<T>,
): Promise<WaitEnd<T>> => {
  const { cache, clock } = dependencies;
  const { name, uid } = initial.metadata;
  let last = initial;
  const ended = Promise.withResolvers<WaitEnd<T> | 'limit' | 'impatient'>();

  const look = (sandbox: Sandbox | undefined): void => {
    const end = judged(sandbox);
    if (end !== undefined) ended.resolve(end);
  };
  const judged = (sandbox: Sandbox | undefined): WaitEnd<T> | undefined => {
    // The same name with another uid: ours is gone and somebody has made a new one.
    if (sandbox === undefined || sandbox.metadata.uid !== uid) return { kind: 'gone', sandbox: last };
    if (isOlder(sandbox.metadata.resourceVersion, last.metadata.resourceVersion)) return undefined;
    last = sandbox;
    if (impatience?.when(sandbox) === true) losePatience();
    const value = judge(sandbox);
    return value === undefined ? undefined : { kind: 'settled', sandbox, value };
  };

  const over = new AbortController();
  const afterwards = (ms: number, act: () => void): void => {
    clock.sleep(ms, over.signal).then(act, () => undefined);
  };
  let losing = false;
  const losePatience = (): void => {
    if (impatience === undefined || losing) return;
    losing = true;
    afterwards(impatience.ms, () => {
      losing = false;
      if (impatience.when(last)) ended.resolve('impatient');
    });
  };
  const onAbort = (): void => ended.reject(signal.reason);
  const unsubscribe = cache.subscribe(name, look);
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    look(initial);
    const cached = cache.get(name);
    if (cached?.metadata.uid === uid) look(cached);
    afterwards(limitMs, () => ended.resolve('limit'));
    const end = await ended.promise;
    if (typeof end !== 'string') return end;
    return judged(await readNow(dependencies, last)) ?? { kind: end, sandbox: last };
  } finally {
    over.abort();
    unsubscribe();
    signal.removeEventListener('abort', onAbort);
  }
};

/**
 * The truth of the API server, asked once before a wait is given up, as the cache may have stood still. Undefined where
 * the Sandbox is gone; what is known already where there is no answer.
 */
const readNow = async ({ kube, settings }: WaitDependencies, known: Sandbox): Promise<Sandbox | undefined> => {
  try {
    return await kube.get<Sandbox>({ type: SANDBOXES, namespace: settings.namespace, name: known.metadata.name });
  } catch (error) {
    return isKubeError(error, 'NotFound') ? undefined : known;
  }
};
