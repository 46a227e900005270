import { backoffDelay, type BackoffPolicy } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { CredentialProvider, CredentialRequest, IssuedCredentials } from './credentials.ts';

export interface KeepCredentialsDeps {
  readonly provider: CredentialProvider;
  readonly clock: Clock;
  readonly random: Random;
  readonly write: (credentials: IssuedCredentials) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

const RETRY: BackoffPolicy = { baseMs: 1000, maxMs: 60_000 };

/**
 * Writes credentials, and new ones at half of their life, so that an STS that is away for half an hour is not noticed.
 * Goes on until `signal` is aborted, whatever fails; ends by itself where they do not expire. Never rejects.
 */
export const keepCredentials = async (
  deps: KeepCredentialsDeps,
  request: () => CredentialRequest,
  signal: AbortSignal,
): Promise<void> => {
  let failures = 0;
  while (!signal.aborted) {
    let pause: number;
    try {
      const credentials = await deps.provider.issue(request(), signal);
      await deps.write(credentials);
      if (credentials.expiresAt === undefined) return;
      failures = 0;
      pause = Math.max(RETRY.baseMs, (credentials.expiresAt - deps.clock.now()) / 2);
    } catch (error) {
      if (signal.aborted) return;
      deps.onFailure(error);
      pause = backoffDelay(RETRY, failures, deps.random);
      failures += 1;
    }
    await deps.clock.sleep(pause, signal).catch(() => undefined);
  }
};
