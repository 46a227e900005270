import type { ApiServerProxy } from '../api-server-proxy/start-proxy.ts';
import { eventually } from '../e2e/eventually.ts';

const QUIET_MS = 150;
/** By then a Workspace's conditions have been written, too, which follow a second after what they tell of. */
export const AT_REST_MS = 1500;

/** What is left to write has been written: nothing more has come for so many milliseconds. */
export const untilQuiet = async (proxies: readonly ApiServerProxy[], quietMs = QUIET_MS): Promise<void> => {
  const lastWrite = (): number =>
    Math.max(0, ...proxies.flatMap(({ seen }) => seen.filter(({ isWrite }) => isWrite).map(({ at }) => at)));
  const since = performance.now();
  const isQuiet = (): boolean => performance.now() - Math.max(since, lastWrite()) > quietMs;
  await eventually('nothing more is written', isQuiet, { deadlineMs: 120_000, everyMs: 20 });
};
