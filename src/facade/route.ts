import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import type { Scope } from './caller.ts';
import type { ProblemKind } from './problem.ts';
import type { FacadeContext, RequestState } from './request-state.ts';
import type { TicketScope } from './ticket.ts';

/**
 * Who may call a route: everyone (`open`), a key that has the scope, or the sandbox of the path itself, by its pod's
 * token (`self`), or who holds a ticket of the scope that the path's parameters give, beside a key with the scope.
 */
export type Access =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'scope';
      readonly scope: Scope;
      readonly self?: boolean;
      readonly ticket?: (params: Readonly<Record<string, string>>) => TicketScope;
    };

/** A header or a parameter of the path, for the API's description. */
export interface FieldShape {
  readonly description: string;
  readonly schema?: z.ZodType;
}

/** What an answer looks like, for the API's description: JSON of a schema, another media type, or no body. */
export interface ResponseShape {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly contentType?: string;
  /** Other media types that the same status may have. */
  readonly alternatives?: Readonly<Record<string, z.ZodType | undefined>>;
  /** On top of those that every answer has. */
  readonly headers?: Readonly<Record<string, FieldShape>>;
}

interface Described {
  /** As the router takes it: `/sandboxes/:id/files/*path`. */
  readonly path: string;
  /** camelCase, unique: what generated clients call it. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** Of the path; `id` and `user` need no description of their own. */
  readonly params?: Readonly<Record<string, FieldShape>>;
  /** Of the request, beside those that every route takes. */
  readonly headers?: Readonly<Record<string, FieldShape>>;
  /** By status; `default` where it is not this server that decides on it. */
  readonly responses: { readonly [status: number]: ResponseShape; readonly default?: ResponseShape };
  /** On top of those that every route can answer. */
  readonly problems?: readonly ProblemKind[];
}

export interface RouteInput<Q, B> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  readonly body: B;
  /** The body before the schema: a schema's copy would lose a key such as `__proto__`. */
  readonly rawBody: unknown;
}

export interface Route<Q = unknown, B = unknown> extends Described {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly query?: z.ZodType<Q>;
  /** JSON of a schema, or bytes, of which nobody but the handler reads (`context.req`). */
  readonly body?: z.ZodType<B> | 'stream';
  /** The media types of the body; application/json, or application/octet-stream for bytes, unless given. */
  readonly bodyTypes?: readonly string[];
  readonly handle: (context: FacadeContext, input: RouteInput<Q, B>) => Promise<void> | void;
}

/** A route that takes over the connection: `GET` with `Upgrade`. The path's parameters as with any other. */
export interface UpgradeRoute<Q = unknown> extends Described {
  readonly query?: z.ZodType<Q>;
  readonly upgrade: (request: UpgradeRequest<Q>) => Promise<void> | void;
}

export interface UpgradeRequest<Q = unknown> {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  readonly state: RequestState;
}

/** Keeps a route's own types while it is written down; the table forgets them. */
export const route = <Q = unknown, B = unknown>(definition: Route<Q, B>): Route =>
  Object.freeze(definition) as unknown as Route;
export const upgradeRoute = <Q = unknown>(definition: UpgradeRoute<Q>): UpgradeRoute =>
  Object.freeze(definition) as unknown as UpgradeRoute;
