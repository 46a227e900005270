import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Tracer } from '../base/tracer.ts';
import type { TrustedProxies } from '../config/trusted-proxies.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../telemetry/log.ts';
import type { Activity } from './activity/activity.ts';
import type { Authenticator } from './authenticator.ts';
import type { DaemonConnections } from './daemon/connections.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { RateLimiter } from './limits/rate-limiter.ts';
import type { SandboxQuota } from './limits/sandbox-quota.ts';
import type { SandboxCache } from './sandbox-cache.ts';
import type { Tickets } from './ticket.ts';

export interface FacadeSettings {
  readonly namespace: string;
  readonly apiKeyHeader: string;
  readonly trustedProxies: TrustedProxies;
  readonly startTimeoutSeconds: number;
  readonly stopTimeoutSeconds: number;
  readonly maxCommandLength: number;
  /** Bytes of a request's body. */
  readonly maxBodyBytes: number;
  /** Bytes of each of a command's stdout and stderr. */
  readonly maxOutputBytes: number;
  /** Other origins than its own whose pages may open WebSockets: `https://sandbox.example.com`. */
  readonly allowedOrigins: readonly string[];
  /** Ports are also reached at `<port>-<sandbox>.<this>`: `preview.example.com`, with a port where that is unusual. */
  readonly previewDomain?: string | undefined;
  /** Undefined: there is no SSH gateway. */
  readonly ssh?: SshAddress | undefined;
}

/** Where clients reach the SSH gateway, and what they know it by. */
export interface SshAddress {
  /** Undefined: at the host by which they reach this API. */
  readonly host: string | undefined;
  readonly port: number;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
}

/** One request that has been answered. */
export interface RequestReport {
  readonly method: string;
  /** The route's pattern, not the path: `/sandboxes/:id`. `none` where there is none. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface FacadeDependencies {
  readonly settings: FacadeSettings;
  readonly kube: KubeClient;
  readonly cache: SandboxCache;
  /** Undefined: authentication is off, in so many words. */
  readonly authenticator: Authenticator | undefined;
  /** The API keys there are; undefined: authentication is off, or by other means. */
  readonly keyRing?: Pick<KeyRing, 'find' | 'subscribe'> | undefined;
  readonly rateLimiter: RateLimiter;
  readonly quota: SandboxQuota;
  readonly daemons: DaemonConnections;
  readonly activity: Activity;
  readonly tickets: Tickets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Off unless given. */
  readonly tracer?: Tracer;
  /** Must not throw. */
  readonly onRequest?: (report: RequestReport) => void;
  /** Aborts when the server has to end the requests that are still waiting. */
  readonly shutdown: AbortSignal;
  readonly version: string;
}
