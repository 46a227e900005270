import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AuditEvent } from './permissions.ts';

/** Beside the API server's own: the log of one that is gone, in whose cluster nodes were lost. */
export const MACHINE_AUDIT = 'machine-audit.log';

/** What an API server has written to its audit log since `since` (RFC 3339), the older files first. */
export async function* auditEvents(path: string, since: string): AsyncGenerator<AuditEvent> {
  const begin = basename(path, '.log');
  const older = (await readdir(dirname(path))).filter((name) => name.startsWith(`${begin}-`)).toSorted();
  for (const name of [...older, basename(path)]) {
    for await (const line of createInterface({ input: createReadStream(join(dirname(path), name)) })) {
      const event = JSON.parse(line) as AuditEvent;
      if (event.requestReceivedTimestamp >= since) yield event;
    }
  }
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** A request that has changed something. */
export const isWrite = ({ verb, responseStatus }: AuditEvent): boolean =>
  WRITES.has(verb) && (responseStatus?.code ?? 0) < 300;

/** The pod whose token a request came with. */
export const podOf = ({ user }: AuditEvent): string | undefined =>
  user.extra?.['authentication.kubernetes.io/pod-name']?.[0];
