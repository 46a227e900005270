import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { readJson } from '../answer.ts';
import { type ConnectMessage, integerField } from '../connect/message.ts';
import { takesType } from '../connect/unary.ts';
import { requireUser } from '../connect/user.ts';
import type { BytePath } from '../files/byte-path.ts';
import { walk } from '../files/list-directory.ts';
import { MAX_PAGE_ENTRIES } from '../protocol/files.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { DaemonRequest, Route } from '../route.ts';
import type { AccountNames } from './account-names.ts';
import { asE2b } from './e2b-path.ts';
import { toEntryInfo } from './entry-info.ts';

export interface ListDirDependencies {
  readonly pathIn: (message: ConnectMessage) => BytePath;
  readonly accountNames: () => Promise<AccountNames>;
}

/** A unary method without pages: the answer is written while the tree is read, whatever its size. */
export const listDirRoute = (path: string, { pathIn, accountNames }: ListDirDependencies): Route => ({
  method: 'POST',
  path,
  handle: async (request, response) => {
    if (!takesType(request.raw, response, 'application/json')) return;
    requireUser(request.raw);
    const message = await readJson(request.raw);
    const depth = integerField(message, 'depth') || 1;
    if (depth < 0) throw new DaemonError('invalid_argument', 'depth must be at least one');
    const names = await accountNames();
    await asE2b(async () => {
      const batches = walk(pathIn(message), { depth, batch: MAX_PAGE_ENTRIES });
      // What cannot be listed at all is refused; later failures cut the answer.
      const first = await batches.next();
      response.writeHead(200, { 'Content-Type': 'application/json' });
      await write(response, '{"entries":[', request);
      let separator = '';
      for (let batch = first; batch.done !== true; batch = await batches.next()) {
        const entries = await Promise.all(batch.value.map((entry) => toEntryInfo(entry.path, entry.info, names)));
        for (const entry of entries) {
          await write(response, `${separator}${JSON.stringify(entry)}`, request);
          separator = ',';
        }
      }
      response.end(']}');
    });
  },
});

const write = async (response: ServerResponse, text: string, { signal }: DaemonRequest): Promise<void> => {
  signal.throwIfAborted();
  if (!response.write(text)) await once(response, 'drain', { signal });
};
