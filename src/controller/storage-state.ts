import type { KubeObject } from '../api/meta.ts';
import { StorageReport } from '../api/storage-report.ts';
import type { HealthState } from '../runtime/health.ts';

/** A ConfigMap, as far as it is read. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Whether any node reaches the bucket, from what the node drivers report: the controller holds no credential to look for
 * itself. One good node is enough, because a sandbox can run there.
 */
export const storageState = (reports: ConfigMap | undefined, bucket: string | undefined): HealthState => {
  const name = bucket === undefined ? 'the bucket' : `bucket ${bucket}`;
  const entries = Object.entries(reports?.data ?? {}).map(([node, text]) => ({ node, report: parseReport(text) }));
  if (entries.length === 0) {
    return {
      ok: false,
      message: `no node driver has reported yet whether ${name} can be used; look at the DaemonSet matrx-node`,
    };
  }
  const good = entries.filter(({ report }) => report?.ok === true);
  const bad = entries.filter(({ report }) => report?.ok !== true);
  const wrong = bad.map(({ node, report }) => `${node}: ${describe(report)}`).join('; ');
  if (good.length === 0) return { ok: false, message: `${name} cannot be used: ${wrong}` };
  const message = `${name} can be used from ${good.length} of ${entries.length} nodes`;
  return { ok: true, message: bad.length === 0 ? message : `${message}; ${wrong}` };
};

const parseReport = (text: string): StorageReport | undefined => {
  try {
    const parsed = StorageReport.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

const describe = (report: StorageReport | undefined): string => {
  if (report === undefined) return 'its report cannot be read';
  const permission = report.permission === undefined ? '' : `, it needs ${report.permission}`;
  return `${report.reason ?? 'Failed'} for bucket ${report.bucket}${permission}${report.message === undefined ? '' : ` (${report.message})`}`;
};
