import type { Registry } from 'prom-client';
import { API_KEYS_SECRET } from '../api/names.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { FacadeConfig } from '../config/facade.ts';
import { type Authenticator, firstOf, nobody, staticKeyAuthenticator } from '../facade/authenticator.ts';
import { keyAuthenticator } from '../facade/keys/key-authenticator.ts';
import { makeKeyMetrics } from '../facade/keys/key-metrics.ts';
import { type KeyRing, makeKeyRing } from '../facade/keys/key-ring.ts';
import type { Secret } from '../facade/keys/keys-secret.ts';
import { limitGuesses } from '../facade/limits/limit-guesses.ts';
import type { RateLimiter } from '../facade/limits/rate-limiter.ts';
import { sandboxAuthenticator } from '../facade/sandbox-authenticator.ts';
import type { SandboxCache } from '../facade/sandbox-cache.ts';
import type { KubeClient } from '../kube/client.ts';
import { SECRETS } from '../kube/resource-types.ts';
import { type Informer, makeInformer } from '../runtime/informer.ts';
import type { RuntimeMetrics } from '../runtime/metrics.ts';
import type { Log } from '../telemetry/log.ts';

export interface FacadeAuthenticationOptions {
  readonly config: Pick<FacadeConfig, 'namespace' | 'systemNamespace' | 'authentication' | 'apiKey'>;
  readonly kube: KubeClient;
  readonly cache: Pick<SandboxCache, 'get'>;
  readonly rateLimiter: RateLimiter;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  readonly registry: Registry;
}

export interface FacadeAuthentication {
  /** Undefined: it is off. */
  readonly authenticator: Authenticator | undefined;
  readonly keyRing: KeyRing | undefined;
  /** What it has to follow. */
  readonly informers: readonly Informer<Secret>[];
}

/** Who may use the facade: the keys of the Secret, sandboxes by their own token, and the configured key. */
export const facadeAuthentication = (options: FacadeAuthenticationOptions): FacadeAuthentication => {
  const { config, kube, cache, rateLimiter, clock, random, log, metrics, registry } = options;
  if (config.authentication === 'disabled') return { authenticator: undefined, keyRing: undefined, informers: [] };
  const informer = makeInformer<Secret>({
    client: kube,
    type: SECRETS,
    selection: { namespace: config.systemNamespace, fieldSelector: `metadata.name=${API_KEYS_SECRET}` },
    clock,
    random,
    log,
    metrics,
  });
  const ring = makeKeyRing({ informer, namespace: config.systemNamespace, log });
  makeKeyMetrics(registry, ring, clock);
  const warnIfClosed = (): void => {
    if (config.apiKey === undefined && ring.keys().length === 0) {
      log.warn(
        { secret: `${config.systemNamespace}/${API_KEYS_SECRET}` },
        'there is no API key, so nobody can use this server: create one with `matrx key create --all-users`; it is taken within seconds, without a restart',
      );
    }
  };
  informer.synced.then(warnIfClosed, () => undefined);
  return {
    authenticator: firstOf([
      keyAuthenticator(ring, clock),
      sandboxAuthenticator({ kube, cache, namespace: config.namespace, clock, rateLimiter }),
      limitGuesses(config.apiKey === undefined ? nobody : staticKeyAuthenticator(config.apiKey), rateLimiter),
    ]),
    keyRing: ring,
    informers: [informer],
  };
};
