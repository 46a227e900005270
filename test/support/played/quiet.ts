import type { ApiServerProxy } from '../api-server-proxy/start-proxy.ts';
import { eventually } from '../e2e/eventually.ts';

const QUIET_MS = 150;

/** What is left to write has been written: conditions follow a moment after what they tell of. */
export const untilQuiet = async (proxies: readonly ApiServerProxy[]): Promise<void> => {
  const lastWrite = (): number =>
    Math.max(0, ...proxies.flatMap(({ seen }) => seen.filter(({ isWrite }) => isWrite).map(({ at }) => at)));
  const since = performance.now();
  const isQuiet = (): boolean => performance.now() - Math.max(since, lastWrite()) > QUIET_MS;
  await eventually('nothing more is written', isQuiet, { deadlineMs: 30_000, everyMs: 20 });
};
