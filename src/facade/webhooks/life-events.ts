import { createHash } from 'node:crypto';
import { ANNOTATION_NEW_RUN } from '../../api/names.ts';
import type { Sandbox } from '../../api/sandbox.ts';
import { standingOf } from '../../api/standing.ts';
import { sandboxState } from '../sandbox-status.ts';

export const WEBHOOK_EVENTS = [
  'sandbox.created',
  'sandbox.ready',
  'sandbox.suspended',
  'sandbox.stopped',
  'sandbox.expired',
  'sandbox.failed',
  'sandbox.deleted',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];

/** The kinds of events of which the last one is remembered. */
export const SLOTS = ['created', 'ready', 'ended', 'deleted'] as const;
export type Slot = (typeof SLOTS)[number];

/** Something that has happened to a Sandbox, as far as the Sandbox itself still says so. */
export interface LifeEvent {
  readonly type: WebhookEventType;
  readonly slot: Slot;
  /** Tells it from an earlier one of its slot. */
  readonly marker: string;
  /** RFC 3339. */
  readonly at: string;
  /** The same however often, and by whichever replica, it is sent. */
  readonly id: string;
}

/**
 * What has happened to a Sandbox, in order. Worked out from its state and not noted down when it happens: so nothing is
 * lost while nobody looks, but of what happened several times meanwhile only the last is known.
 */
export const lifeEvents = (sandbox: Sandbox, isGone = false): readonly LifeEvent[] => {
  const { metadata, status } = sandbox;
  const createdAt = metadata.creationTimestamp ?? '';
  const event = (type: WebhookEventType, slot: Slot, marker: string, at: string): LifeEvent => ({
    type,
    slot,
    marker,
    at,
    id: idOf(sandbox, type, marker),
  });
  const end = endOf(sandbox);
  return [
    event('sandbox.created', 'created', createdAt, createdAt),
    ...(status?.startedAt === undefined ? [] : [event('sandbox.ready', 'ready', status.startedAt, status.startedAt)]),
    ...(end === undefined ? [] : [event(end.type, 'ended', end.marker, end.at)]),
    ...(isGone
      ? [event('sandbox.deleted', 'deleted', 'deleted', metadata.deletionTimestamp ?? status?.stoppedAt ?? createdAt)]
      : []),
  ];
};

interface End {
  readonly type: WebhookEventType;
  readonly marker: string;
  readonly at: string;
}

const endOf = (sandbox: Sandbox): End | undefined => {
  const { metadata, status } = sandbox;
  const state = sandboxState(sandbox);
  const turnedAt = standingOf(status?.conditions)?.lastTransitionTime;
  const at = status?.stoppedAt ?? turnedAt ?? metadata.creationTimestamp ?? '';
  switch (state) {
    case 'suspended':
    case 'stopped':
    case 'expired':
      return { type: `sandbox.${state}`, marker: `${state} ${at}`, at };
    case 'failed': {
      // One failure is one event, though the giving up of a start and its end come later.
      const run = metadata.annotations?.[ANNOTATION_NEW_RUN] ?? '';
      return { type: 'sandbox.failed', marker: `failed ${run} ${status?.startedAt ?? ''}`, at: turnedAt ?? at };
    }
    case 'creating':
    case 'starting':
    case 'ready':
    case 'running':
    case 'shutting_down':
      return undefined;
    default:
      return state satisfies never;
  }
};

const idOf = ({ metadata }: Sandbox, type: string, marker: string): string => {
  const text = JSON.stringify([metadata.uid ?? metadata.name, type, marker]);
  return `msg_${createHash('sha256').update(text).digest('base64url').slice(0, 27)}`;
};
