import { z } from 'zod';
import { UserId } from '../../api/user-id.ts';
import { WEBHOOK_EVENTS, type WebhookEventType } from './life-events.ts';
import { type SigningKey, signingKey } from './signature.ts';

/** The Secret in the system namespace with one entry for each endpoint. */
export const WEBHOOKS_SECRET = 'matrx-webhooks';
/** Each has workers of its own. */
export const MAX_ENDPOINTS = 16;

/** Where events are sent. */
export interface Endpoint {
  /** The entry's name in the Secret. */
  readonly name: string;
  readonly url: URL;
  /** The first signs first; a second one is for the time of a change. */
  readonly keys: readonly SigningKey[];
  /** Undefined: all of them. */
  readonly events: ReadonlySet<WebhookEventType> | undefined;
  /** Undefined: those of all users. */
  readonly users: ReadonlySet<string> | undefined;
  /** Milliseconds since the epoch: of what happened before, this endpoint is not told. */
  readonly since: number;
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const Entry = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2048),
  secret: z.union([z.string(), z.array(z.string()).min(1).max(4)]),
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).optional(),
  users: z.array(UserId).min(1).max(1000).optional(),
  created_at: z.iso.datetime({ offset: true }).optional(),
});

export interface Endpoints {
  readonly endpoints: readonly Endpoint[];
  /** What is wrong with the others, for the log; no part of a secret. */
  readonly faults: readonly string[];
}

/** The endpoints of a Secret's data (base64 by entry). A wrong entry is left out, and the others count. */
export const parseEndpoints = (data: Readonly<Record<string, string>>): Endpoints => {
  const endpoints: Endpoint[] = [];
  const faults: string[] = [];
  for (const [name, value] of Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!NAME.test(name)) faults.push(`${name}: an endpoint's name has lower-case letters, digits and -, at most 63`);
    else if (endpoints.length === MAX_ENDPOINTS) faults.push(`${name}: more than ${MAX_ENDPOINTS} endpoints`);
    else {
      const parsed = parseEndpoint(name, Buffer.from(value, 'base64').toString('utf8'));
      if (typeof parsed === 'string') faults.push(`${name}: ${parsed}`);
      else endpoints.push(parsed);
    }
  }
  return { endpoints, faults };
};

const parseEndpoint = (name: string, text: string): Endpoint | string => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'is no JSON';
  }
  const parsed = Entry.safeParse(json);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
  }
  const { url, secret, events, users, created_at: createdAt } = parsed.data;
  const keys = [secret].flat().map(signingKey);
  const known = keys.filter((key) => key !== undefined);
  if (known.length < keys.length) return 'secret: takes whsec_ and the base64 of 24 to 64 bytes';
  return {
    name,
    url: new URL(url),
    keys: known,
    events: events === undefined ? undefined : new Set(events),
    users: users === undefined ? undefined : new Set(users),
    since: createdAt === undefined ? 0 : Date.parse(createdAt),
  };
};
