import { LABEL_API_KEY } from '../../api/names.ts';
import type { Sandbox } from '../../api/sandbox.ts';
import type { Caller } from '../caller.ts';
import { problemError } from '../problem.ts';
import type { SandboxCache } from '../sandbox-cache.ts';
import type { SandboxState } from '../../api/sandbox-life.ts';
import { sandboxState } from '../sandbox-status.ts';

/** Holds each key to the number of sandboxes it may have at a time. */
export interface SandboxQuota {
  /** Runs `create` if the caller's key may have one sandbox more. Throws the 429. */
  readonly within: <T>(caller: Caller, create: () => Promise<T>) => Promise<T>;
}

const COUNTED: ReadonlySet<SandboxState> = new Set(['creating', 'starting', 'ready', 'running']);

/**
 * Counts in the cache, and on top of it what this process is creating, so that requests that come together do not all
 * find the last place free. Two replicas that are asked in the same moment may each give it away.
 */
export const makeSandboxQuota = (cache: Pick<SandboxCache, 'list'>): SandboxQuota => {
  const creating = new Map<string, number>();
  const count = (id: string, change: number): void => {
    const now = (creating.get(id) ?? 0) + change;
    if (now === 0) creating.delete(id);
    else creating.set(id, now);
  };
  return {
    within: async (caller, create) => {
      const limit = caller.kind === 'key' ? caller.limits?.concurrentSandboxes : undefined;
      if (caller.kind !== 'key' || limit === undefined) return create();
      const { id } = caller;
      const active = cache.list().filter((sandbox) => isCounted(sandbox, id)).length + (creating.get(id) ?? 0);
      if (active >= limit) throw tooMany(active, limit);
      count(id, 1);
      try {
        return await create();
      } finally {
        count(id, -1);
      }
    },
  };
};

const isCounted = (sandbox: Sandbox, keyId: string): boolean =>
  sandbox.metadata.labels?.[LABEL_API_KEY] === keyId && COUNTED.has(sandboxState(sandbox));

const tooMany = (active: number, limit: number) =>
  problemError(
    'too-many-sandboxes',
    `This API key has ${active} active sandboxes and may have ${limit}: stop one, and create another then`,
  );
