import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { Clock } from '../base/clock.ts';

/** What a ticket opens: one port of a sandbox, or its terminal. */
export type TicketScope = `port:${number}` | 'terminal';

export interface Ticket {
  /** The Sandbox's uid: a later one of the same name is another. */
  readonly sandboxUid: string;
  readonly scope: TicketScope;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Leave to use one thing of one sandbox for a short time, for those that cannot send an API key: a browser's address
 * line, a WebSocket of a page. Signed, so that any replica can check one and none has to remember any.
 */
export interface Tickets {
  readonly issue: (ticket: Ticket) => string;
  /** Undefined for what is no ticket of ours, or has expired. Never throws. */
  readonly read: (text: string) => Ticket | undefined;
}

/**
 * A JWT in form. Its `typ` differs from that of the daemons' access tokens (src/sandboxd/protocol/access-token.ts),
 * which the same key signs: whoever takes one takes no other.
 */
const HEADER = encode({ alg: 'EdDSA', typ: 'matrx-ticket' });
const MAX_LENGTH = 1024;

/** Whether something was once a ticket, good or not. */
export const looksLikeTicket = (text: string): boolean => text.startsWith(`${HEADER}.`);

interface Claims {
  readonly aud: string;
  readonly scope: TicketScope;
  /** Seconds since 1970. */
  readonly exp: number;
}

/** `privateKey` is the facade's Ed25519 key, the same in every replica. */
export const makeTickets = ({
  privateKey,
  clock,
}: {
  readonly privateKey: KeyObject;
  readonly clock: Pick<Clock, 'now'>;
}): Tickets => {
  const publicKey = createPublicKey(privateKey);
  return {
    issue: ({ sandboxUid, scope, expiresAt }) => {
      const claims: Claims = { aud: sandboxUid, scope, exp: Math.floor(expiresAt / 1000) };
      const signed = `${HEADER}.${encode(claims)}`;
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
    },
    read: (text) => {
      const [header, payload, signature, ...more] = text.length > MAX_LENGTH ? [] : text.split('.');
      if (header !== HEADER || payload === undefined || signature === undefined || more.length > 0) return undefined;
      const signed = Buffer.from(`${header}.${payload}`);
      if (!verify(null, signed, publicKey, Buffer.from(signature, 'base64url'))) return undefined;
      const { aud, scope, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
      return exp * 1000 <= clock.now() ? undefined : { sandboxUid: aud, scope, expiresAt: exp * 1000 };
    },
  };
};

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
