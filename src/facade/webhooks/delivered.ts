import { z } from 'zod';
import { ANNOTATION_WEBHOOK_PREFIX } from '../../api/names.ts';
import type { Sandbox } from '../../api/sandbox.ts';
import type { Endpoint } from './endpoint.ts';
import { type LifeEvent, lifeEvents, type Slot } from './life-events.ts';

/** The last event of each kind that an endpoint has got. */
export type Delivered = Readonly<Partial<Record<Slot, string>>>;

const Stored = z.object({ created: z.string(), ready: z.string(), ended: z.string(), deleted: z.string() }).partial();

export const deliveredAnnotation = ({ name }: Pick<Endpoint, 'name'>): string => `${ANNOTATION_WEBHOOK_PREFIX}${name}`;

/** What the Sandbox itself remembers; what somebody else wrote there counts as nothing. */
export const deliveredOf = ({ metadata }: Sandbox, endpoint: Pick<Endpoint, 'name'>): Delivered => {
  try {
    const parsed = Stored.safeParse(JSON.parse(metadata.annotations?.[deliveredAnnotation(endpoint)] ?? '{}'));
    return parsed.success ? (parsed.data as Delivered) : {};
  } catch {
    return {};
  }
};

/** An event that could not be delivered for so long is given up. */
export const GIVE_UP_MS = 24 * 3600_000;

/** What an endpoint has still to be told of a Sandbox, in order. */
export const dueEvents = (
  sandbox: Sandbox,
  endpoint: Pick<Endpoint, 'events' | 'users' | 'since'>,
  delivered: Delivered,
  { now, isGone }: { readonly now: number; readonly isGone: boolean },
): readonly LifeEvent[] => {
  if (endpoint.users?.has(sandbox.spec.userId) === false) return [];
  return lifeEvents(sandbox, isGone).filter(
    ({ type, slot, marker, at }) =>
      endpoint.events?.has(type) !== false &&
      delivered[slot] !== marker &&
      Date.parse(at) >= endpoint.since &&
      Date.parse(at) > now - GIVE_UP_MS,
  );
};
