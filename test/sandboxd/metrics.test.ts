import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DaemonMetrics } from '../../src/sandboxd/protocol/metrics.ts';
import { readMetrics } from '../../src/sandboxd/metrics/read-metrics.ts';
import { e2bMetrics } from '../../src/sandboxd/metrics/routes.ts';
import { startDaemon } from './support/daemon.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'matrx-metrics-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A kernel that shows these files, and one process, whose name is made to mislead. */
const kernel = (files: Readonly<Record<string, string>>) => {
  const all = {
    'proc/42/stat': '42 (a) b (c) S 1 1 1 0 -1 0 0 0 0 0 100 50 25 25 20 0 1 0 0 0 0',
    'proc/42/status': 'Name:\ta\nVmRSS:\t    2048 kB\n',
    'proc/meminfo': '',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return readMetrics(root, { cgroup: join(root, 'cgroup'), proc: join(root, 'proc') });
};

const V2 = {
  'proc/self/cgroup': '0::/\n',
  'cgroup/cpu.stat': 'usage_usec 1500000\nuser_usec 1\n',
  'cgroup/cpu.max': '150000 100000\n',
  'cgroup/memory.current': '5000000\n',
  'cgroup/memory.max': '8000000\n',
  'cgroup/memory.stat': 'anon 1\ninactive_file 1000000\n',
};

describe('metrics', () => {
  test('are what the cgroup counts, without the cache that can be had back', async () => {
    expect(await kernel(V2)).toMatchObject({
      cpuSeconds: 1.5,
      cpuLimit: 1.5,
      memoryBytes: 4_000_000,
      memoryLimitBytes: 8_000_000,
      processes: 1,
    });
  });

  test('know that there may be no limit', async () => {
    const unlimited = { ...V2, 'cgroup/cpu.max': 'max 100000\n', 'cgroup/memory.max': 'max\n' };
    expect(await kernel(unlimited)).toMatchObject({ cpuLimit: null, memoryLimitBytes: null });
  });

  test('are those of the own cgroup where all of the machine are seen', async () => {
    const below = Object.fromEntries(
      Object.entries(V2).map(([path, text]) => [path.replace('cgroup/', 'cgroup/pods/a/'), text]),
    );
    const machine = { 'cgroup/memory.current': '1\n', 'cgroup/cpu.stat': 'usage_usec 1\n' };
    expect(await kernel({ ...machine, ...below, 'proc/self/cgroup': '0::/pods/a\n' })).toMatchObject({
      cpuSeconds: 1.5,
    });
  });

  test('come from cgroups of version 1 as well', async () => {
    const v1 = {
      'proc/self/cgroup': '5:memory:/\n4:cpu,cpuacct:/\n1:name=systemd:/\n',
      'cgroup/memory/memory.usage_in_bytes': '5000000\n',
      'cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'cgroup/memory/memory.stat': 'cache 1\ntotal_inactive_file 1000000\n',
      'cgroup/cpu,cpuacct/cpuacct.usage': '2500000000\n',
      'cgroup/cpu,cpuacct/cpu.cfs_quota_us': '50000\n',
      'cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    };
    expect(await kernel(v1)).toMatchObject({
      cpuSeconds: 2.5,
      cpuLimit: 0.5,
      memoryBytes: 4_000_000,
      memoryLimitBytes: null,
    });
  });

  test('are those of the processes where there is no cgroup', async () => {
    expect(await kernel({})).toMatchObject({
      cpuSeconds: 2,
      cpuLimit: null,
      memoryBytes: 2048 * 1024,
      memoryLimitBytes: null,
      processes: 1,
    });
  });

  test('are answered by the daemon, natively and as E2B has them', async () => {
    const daemon = await startDaemon();
    const native = (await (await daemon.fetch('/matrx/metrics')).json()) as DaemonMetrics;
    expect(native.processes).toBeGreaterThan(0);
    expect(native.memoryBytes).toBeGreaterThan(1_000_000);
    expect(native.diskTotalBytes).toBeGreaterThan(native.diskUsedBytes);
    for (let n = 0; n < 2; n++) {
      const shown = (await (await daemon.fetch('/metrics')).json()) as Record<string, number>;
      expect(Object.keys(shown).sort()).toEqual([
        'cpu_count',
        'cpu_used_pct',
        'disk_total',
        'disk_used',
        'mem_total',
        'mem_total_mib',
        'mem_used',
        'mem_used_mib',
        'ts',
      ]);
      for (const value of Object.values(shown)) expect(value).toBeGreaterThanOrEqual(0);
      expect(Number.isInteger(shown['ts'])).toBe(true);
    }
  });

  test('have at least one core for E2B, which counts them', () => {
    const metrics: DaemonMetrics = {
      at: '2026-01-01T00:00:00.000Z',
      cpuSeconds: 1,
      cpuLimit: 0.5,
      memoryBytes: 1,
      memoryLimitBytes: 2 * 1024 * 1024,
      diskUsedBytes: 1,
      diskTotalBytes: 2,
      processes: 1,
    };
    expect(e2bMetrics(metrics, 12.345_67)).toMatchObject({ cpu_count: 1, cpu_used_pct: 12.35, mem_total_mib: 2 });
  });
});
