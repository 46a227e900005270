/** `GET /matrx/metrics`: what the sandbox uses, as its cgroup says where there is one, otherwise its processes. */
export interface DaemonMetrics {
  readonly at: string;
  /** Seconds of one core since the sandbox started. */
  readonly cpuSeconds: number;
  /** Cores that it may use; null where there is no limit. */
  readonly cpuLimit: number | null;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number | null;
  /** Of the file system the home is on. */
  readonly diskUsedBytes: number;
  readonly diskTotalBytes: number;
  readonly processes: number;
}
