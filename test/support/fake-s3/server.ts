import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/base/clock.ts';
import { applyRequest, errorAnswer, type Answer, type FakeBucket } from './buckets.ts';
import { makeFaultPlan, type FaultAction } from './faults.ts';
import { readRequest, type FakeRequest, type LoggedRequest } from './requests.ts';
import { keepVersions } from './versions.ts';

export interface FakeS3 {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  readonly buckets: Map<string, FakeBucket>;
  /** Every request so far, in the order of their arrival. */
  readonly log: readonly LoggedRequest[];
  readonly faults: ReturnType<typeof makeFaultPlan>;
  /** Resolves when the next request is left without an answer. */
  readonly nextHang: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface FakeS3Options {
  /** What is answered instead: where a request is not allowed, say. By default every request is allowed. */
  readonly authorize?: (request: FakeRequest) => Answer | undefined;
  /** Whether the buckets keep versions of what is replaced and deleted. */
  readonly versioned?: boolean;
  /** The most keys that a listing answers at once: 1,000, as S3's, unless given. */
  readonly pageSize?: number;
  /** Bytes of bodies that arrive in a second, of all requests together; by default as many as there are. */
  readonly bytesPerSecond?: number;
}

/**
 * An S3 in memory behind real HTTP on loopback, with atomic conditions, checksums and scripted faults. Path-style
 * addresses only; signatures are not checked.
 */
export const startFakeS3 = async (
  bucketNames: readonly string[] = ['test'],
  options: FakeS3Options = {},
): Promise<FakeS3> => {
  const buckets = new Map<string, FakeBucket>(bucketNames.map((name) => [name, new Map()]));
  if (options.versioned === true) for (const bucket of buckets.values()) keepVersions(bucket);
  const faults = makeFaultPlan();
  const log: LoggedRequest[] = [];
  const uplink = makeUplink(options.bytesPerSecond);
  let hang = Promise.withResolvers<void>();
  const server = createServer((message, response) => {
    const answer = async (): Promise<void> => {
      const request = { ...(await readRequest(message)), index: log.length };
      const { body: _body, ...logged } = request;
      log.push(logged);
      if (options.pageSize !== undefined) request.query.set('max-keys', String(options.pageSize));
      const refusal = options.authorize?.(request);
      await uplink(request.body.length);
      if (refusal !== undefined) return send(response, refusal);
      const fault = faults.take(request);
      serve(buckets, request, fault, response);
      if (fault?.kind !== 'hangBefore' && fault?.kind !== 'hangAfter') return;
      hang.resolve();
      hang = Promise.withResolvers();
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    buckets,
    log,
    faults,
    nextHang: () => hang.promise,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** Resolves when so many bytes would have come over a line that all requests share. */
const makeUplink = (bytesPerSecond: number | undefined): ((bytes: number) => Promise<void>) => {
  if (bytesPerSecond === undefined) return () => Promise.resolve();
  let freeAt = 0;
  return (bytes) => {
    const now = systemClock.monotonic();
    freeAt = Math.max(freeAt, now) + (bytes / bytesPerSecond) * 1000;
    return systemClock.sleep(freeAt - now);
  };
};

const serve = (
  buckets: Map<string, FakeBucket>,
  request: FakeRequest,
  fault: FaultAction | undefined,
  response: ServerResponse,
): void => {
  switch (fault?.kind) {
    case undefined:
      return send(response, applyRequest(buckets, request));
    case 'answer':
      if (fault.applied === true) applyRequest(buckets, request);
      return send(response, errorAnswer(fault.status, fault.code));
    case 'resetBefore':
      return void response.destroy();
    case 'resetAfter':
      applyRequest(buckets, request);
      return void response.destroy();
    case 'hangBefore':
      return;
    case 'hangAfter':
      applyRequest(buckets, request);
      return;
    case 'call':
      if (fault.applied) applyRequest(buckets, request);
      fault.run();
      return void response.destroy();
    case 'truncate':
      return truncated(response, applyRequest(buckets, request));
    case 'corrupt':
      return send(response, corrupted(applyRequest(buckets, request)));
  }
};

const send = (response: ServerResponse, answer: Answer): void => {
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length }).end(body);
};

const truncated = (response: ServerResponse, answer: Answer): void => {
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
  response.write(body.subarray(0, body.length / 2), () => response.destroy());
};

const corrupted = (answer: Answer): Answer => {
  const body = Buffer.from(Buffer.from(answer.body ?? ''));
  const middle = body.length >> 1;
  if (body.length > 0) body[middle] = body[middle]! ^ 0x20;
  return { ...answer, body };
};
