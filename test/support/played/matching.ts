import type { Fault, FaultPlan, SeenRequest } from '../api-server-proxy/start-proxy.ts';

export type Matches = (request: SeenRequest) => boolean;

const isOf = (plural: string, { path }: SeenRequest): boolean => path.includes(`/${plural}?`);

/** Of a controller, which names what it lists and watches by plural and query. */
export const watchOf =
  (plural: string): Matches =>
  (request) =>
    request.isWatch && isOf(plural, request);

export const listOf =
  (plural: string): Matches =>
  (request) =>
    request.method === 'GET' && !request.isWatch && isOf(plural, request);

export const createOf =
  (plural: string): Matches =>
  (request) =>
    request.method === 'POST' && isOf(plural, request);

/** The fault for the first request that `matches`, and for no other. */
export const once = (matches: Matches, fault: Fault): FaultPlan => {
  let isDone = false;
  return (request) => {
    if (isDone || !matches(request)) return undefined;
    isDone = true;
    return fault;
  };
};
