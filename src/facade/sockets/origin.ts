import type { IncomingMessage } from 'node:http';
import { problemError } from '../problem.ts';

/**
 * Refuses a WebSocket that a page of another site opens. A browser sends no such request with a key by itself, but it
 * does reach a facade that asks for none, or one that only its network protects. What is no browser sends no Origin.
 * Behind a proxy that changes the host, `allowed` names the origins (`https://sandbox.example.com`).
 */
export const requireOwnOrigin = ({ headers }: IncomingMessage, allowed: readonly string[]): void => {
  const { origin, host } = headers;
  if (origin === undefined || allowed.includes(origin)) return;
  const own = hostOf(origin);
  if (own !== undefined && own === host?.toLowerCase()) return;
  throw problemError(
    'not-allowed',
    `Pages of ${origin} may not open this: it is not this server's own origin, nor one of MATRX_ALLOWED_ORIGINS`,
  );
};

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
