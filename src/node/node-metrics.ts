/** What the driver counts; src/commands/node.ts gives it to the metrics registry. Times are milliseconds. */
export interface NodeMetrics {
  readonly restored: (ms: number, bytes: number) => void;
  /** One pass over a home. `committed` is false when nothing had changed. */
  readonly scanned: (scanMs: number, committed: boolean, bytes: number) => void;
  /** A step of a session that will be tried again; `reason` is a SessionReason. */
  readonly failed: (step: string, reason: string) => void;
  /** One CSI call; `code` is OK or why not. */
  readonly called: (method: string, code: string, ms: number) => void;
}

export const noMetrics: NodeMetrics = {
  restored: () => undefined,
  scanned: () => undefined,
  failed: () => undefined,
  called: () => undefined,
};
