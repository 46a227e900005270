import type { Json } from '../../../src/base/json.ts';
import type { Environment } from './environment.ts';

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where the answer is JSON, otherwise its text. */
  readonly body: unknown;
}

/** One request to the facade with the API key. Any status is an answer; rejects when `signal` or `deadlineMs` ends it. */
export type Rest = (
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  options?: { readonly body?: Json; readonly headers?: Readonly<Record<string, string>>; readonly deadlineMs?: number },
) => Promise<RestAnswer>;

export const makeRest =
  (environment: Environment, signal: AbortSignal): Rest =>
  async (method, path, { body, headers = {}, deadlineMs = 150_000 } = {}) => {
    const response = await fetch(new URL(path, environment.MATRX_URL), {
      method,
      headers: {
        'X-API-Key': environment.MATRX_API_KEY,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
