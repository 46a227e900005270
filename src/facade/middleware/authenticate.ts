import { createHash, timingSafeEqual } from 'node:crypto';
import type { FacadeSettings } from '../dependencies.ts';
import { makeProblem, ProblemError, problemError } from '../problem.ts';
import type { FacadeContext, FacadeMiddleware } from '../request-state.ts';

/** Open to everyone, as they tell nothing about any sandbox. */
const EXEMPT_PATHS: ReadonlySet<string> = new Set(['/', '/health', '/docs', '/openapi.json', '/redoc']);

/**
 * Asks for the API key: in its own header first, otherwise as `Authorization: Bearer`. Hashes of both sides are
 * compared, in constant time, so that neither the key's length nor its beginning can be found out by measuring.
 */
export const authenticate = ({
  apiKey,
  apiKeyHeader,
}: Pick<FacadeSettings, 'apiKey' | 'apiKeyHeader'>): FacadeMiddleware => {
  if (apiKey === undefined) return (_context, next) => next();
  const expected = sha256(apiKey);
  return (context, next) => {
    if (EXEMPT_PATHS.has(context.path)) return next();
    const given = context.get(apiKeyHeader) || bearerToken(context);
    if (given === '') {
      context.state.log.warn({ path: context.path, client_ip: context.ip }, 'request without an API key');
      throw missingKey(apiKeyHeader);
    }
    if (!timingSafeEqual(sha256(given), expected)) {
      context.state.log.warn({ path: context.path, client_ip: context.ip }, 'request with a wrong API key');
      throw problemError('invalid-api-key', 'Invalid API key.');
    }
    return next();
  };
};

const missingKey = (header: string): ProblemError =>
  new ProblemError({
    problem: makeProblem(
      'missing-api-key',
      `Missing API key. Send it in the ${header} header or as Authorization: Bearer <key>.`,
    ),
    headers: { 'WWW-Authenticate': 'Bearer realm="matrx-sandbox"' },
  });

const bearerToken = (context: FacadeContext): string =>
  /^bearer +(\S+)\s*$/i.exec(context.get('authorization'))?.[1] ?? '';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
