import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM_NAMESPACE } from '../kustomization.ts';
import type { Local } from '../local.ts';

const PRODUCT = ['controller', 'facade', 'node'].map(
  (part) => `system:serviceaccount:${SYSTEM_NAMESPACE}:matrx-${part}`,
);

/**
 * What the product asked of the API server, without contents: which of its permissions it uses, and what it was refused,
 * can be read there (`kubectl` and people are not listened to).
 */
const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // A watch is told of when it begins: it may not have ended yet.
  omitStages: ['RequestReceived'],
  omitManagedFields: true,
  rules: [{ level: 'Metadata', users: PRODUCT }, { level: 'None' }],
};

/** Nobody is listened to. */
const NO_POLICY = { ...POLICY, rules: [{ level: 'None' }] };

export const auditLogPath = ({ logs }: Pick<Local['paths'], 'logs'>): string => join(logs, 'audit.log');

export const auditPolicyPath = ({ cluster }: Pick<Local['paths'], 'cluster'>): string =>
  join(cluster, 'audit-policy.json');

export const writeAuditPolicy = (paths: Local['paths'], isAudited = true): Promise<void> =>
  writeFile(auditPolicyPath(paths), `${JSON.stringify(isAudited ? POLICY : NO_POLICY, null, 2)}\n`);

/** The API server's arguments, without dashes. */
export const auditArguments = (policy: string, log: string): readonly string[] => [
  `audit-policy-file=${policy}`,
  `audit-log-path=${log}`,
  'audit-log-maxsize=200',
  'audit-log-maxbackup=2',
];
