import { availableParallelism, totalmem } from 'node:os';
import { answerJson } from '../answer.ts';
import type { DaemonMetrics } from '../protocol/metrics.ts';
import type { Route } from '../route.ts';
import type { SandboxdSettings } from '../settings.ts';
import { readMetrics } from './read-metrics.ts';

/** `/matrx/metrics`, and the same in the shape of E2B at `/metrics`. */
export const metricsRoutes = ({ home }: Pick<SandboxdSettings, 'home'>): readonly Route[] => {
  const cpuUse = makeCpuUse();
  return [
    {
      method: 'GET',
      path: '/matrx/metrics',
      handle: async (_request, response) => answerJson(response, 200, await readMetrics(home)),
    },
    {
      method: 'GET',
      path: '/metrics',
      handle: async (_request, response) => {
        const metrics = await readMetrics(home);
        answerJson(response, 200, e2bMetrics(metrics, await cpuUse(metrics, () => readMetrics(home))));
      },
    },
  ];
};

const MEBIBYTE = 1024 * 1024;

export const e2bMetrics = (metrics: DaemonMetrics, cpuUsedPercent: number) => {
  const { at, cpuLimit, memoryBytes, memoryLimitBytes, diskUsedBytes, diskTotalBytes } = metrics;
  const memoryTotal = Math.min(memoryLimitBytes ?? Infinity, totalmem());
  return {
    ts: Math.floor(Date.parse(at) / 1000),
    cpu_count: Math.max(1, Math.ceil(cpuLimit ?? availableParallelism())),
    cpu_used_pct: Math.round(cpuUsedPercent * 100) / 100,
    mem_used_mib: Math.round(memoryBytes / MEBIBYTE),
    mem_total_mib: Math.round(memoryTotal / MEBIBYTE),
    mem_used: memoryBytes,
    mem_total: memoryTotal,
    disk_used: diskUsedBytes,
    disk_total: diskTotalBytes,
  };
};

const SAMPLE_MS = 100;
/** An older sample than this would make a mean of what nobody asks for. */
const MAX_AGE_MS = 60_000;

/** Percent of all that may be used, since the call before; where that is long ago, in the next tenth of a second. */
const makeCpuUse = () => {
  let last: DaemonMetrics | undefined;
  return async (now: DaemonMetrics, again: () => Promise<DaemonMetrics>): Promise<number> => {
    let from = last;
    let to = now;
    const age = from === undefined ? Infinity : Date.parse(now.at) - Date.parse(from.at);
    if (age < SAMPLE_MS || age > MAX_AGE_MS) {
      from = now;
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
      to = await again();
    }
    last = to;
    const seconds = (Date.parse(to.at) - Date.parse((from ?? to).at)) / 1000;
    const cores = to.cpuLimit ?? availableParallelism();
    return seconds <= 0 ? 0 : Math.max(0, ((to.cpuSeconds - (from ?? to).cpuSeconds) / seconds / cores) * 100);
  };
};
