import type { FileInfo } from '../../../src/sandboxd/protocol/files.ts';
import type { DaemonProblem } from '../../../src/sandboxd/protocol/problem.ts';
import type { TestDaemon } from './daemon.ts';

export interface FileAnswer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** The parameters as they go into a query: text is encoded, bytes byte by byte. */
export const queryOf = (parameters: Readonly<Record<string, string | number | Buffer>>): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${Buffer.isBuffer(value) ? encodeBytes(value) : encodeURIComponent(value)}`)
    .join('&');

export const encodeBytes = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/../g, (hex) => `%${hex.toUpperCase()}`);

/** Asks the native file API; the body of the answer is JSON. */
export const ask = async <T = FileInfo & DaemonProblem>(
  daemon: TestDaemon,
  method: string,
  path: string,
  parameters: Readonly<Record<string, string | number | Buffer>> = {},
  init: NonNullable<Parameters<TestDaemon['fetch']>[1]> = {},
): Promise<FileAnswer<T>> => {
  const answer = await daemon.fetch(`/matrx/${path}?${queryOf(parameters)}`, { method, ...init });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text === '' ? undefined : JSON.parse(text)) as T };
};
