import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { allowedAddresses, type Address, type Lookup } from './target.ts';

export interface PostOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
  /** Hosts that may be plain http and anywhere. */
  readonly allowedHosts: readonly string[];
  readonly lookup?: Lookup;
}

export interface PostAnswer {
  readonly status: number;
  /** Milliseconds that the receiver asked to wait. */
  readonly retryAfterMs: number | undefined;
}

/** Posts, follows no redirect, and does not read what is answered. Throws a TargetRefused or what the network said. */
export const postMessage = async ({
  url,
  headers,
  body,
  signal,
  allowedHosts,
  lookup,
}: PostOptions): Promise<PostAnswer> => {
  const addresses = await allowedAddresses(url, allowedHosts, lookup);
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      // A connection for each message: few they are, and a kept one would outlive what its name was checked for.
      agent: false,
      lookup: fixedLookup(addresses),
      signal,
    });
    request.on('error', reject);
    request.once('response', (response) => {
      const seconds = Number(response.headers['retry-after']);
      resolve({
        status: response.statusCode ?? 0,
        retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
      });
      response.destroy();
    });
    request.end(body);
  });
};

const fixedLookup =
  (addresses: readonly Address[]): LookupFunction =>
  (_host, options, callback) => {
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
