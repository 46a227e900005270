import { describe, expect, it } from '@jest/globals';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { dueEvents, GIVE_UP_MS } from '../../../src/facade/webhooks/delivered.ts';
import { lifeEvents } from '../../../src/facade/webhooks/life-events.ts';
import { aSandbox } from '../../support/resources.ts';
import { notReady, ready, stalled, stopped } from '../support/statuses.ts';

const STARTED = { startedAt: '2026-01-01T00:00:05Z' };
const types = (sandbox: Sandbox, isGone = false) => lifeEvents(sandbox, isGone).map(({ type }) => type);
const withAnnotations = (sandbox: Sandbox, annotations: Record<string, string>): Sandbox => ({
  ...sandbox,
  metadata: { ...sandbox.metadata, annotations },
});

describe('what has happened to a sandbox', () => {
  it.each([
    ['is new', aSandbox().build(), ['sandbox.created']],
    ['starts', aSandbox().status(notReady('ContainersStarting')).build(), ['sandbox.created']],
    ['runs', aSandbox().status(ready('p', STARTED)).build(), ['sandbox.created', 'sandbox.ready']],
    [
      'is being stopped',
      aSandbox().wanted('Stopped').status(ready('p', STARTED)).build(),
      ['sandbox.created', 'sandbox.ready'],
    ],
    [
      'is stopped',
      aSandbox().wanted('Stopped').status(stopped(true, STARTED)).build(),
      ['sandbox.created', 'sandbox.ready', 'sandbox.stopped'],
    ],
    [
      'has expired',
      aSandbox()
        .status({ ...notReady('Expired'), stopReason: 'expired', ...STARTED })
        .build(),
      ['sandbox.created', 'sandbox.ready', 'sandbox.expired'],
    ],
    ['never started', aSandbox().status(stalled('PodRefused')).build(), ['sandbox.created', 'sandbox.failed']],
  ])('that %s', (_what, sandbox, expected) => {
    expect(types(sandbox)).toEqual(expected);
  });

  it('that is gone', () => {
    expect(types(aSandbox().deleted().build(), true)).toEqual(['sandbox.created', 'sandbox.deleted']);
  });

  it('has the same id each time it is looked at, and another for another time, type or sandbox', () => {
    const sandbox = aSandbox().wanted('Stopped').status(stopped(true, STARTED)).build();
    const ids = lifeEvents(sandbox).map(({ id }) => id);
    expect(lifeEvents({ ...sandbox }).map(({ id }) => id)).toEqual(ids);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^msg_[\w-]{27}$/);
    const later = aSandbox()
      .wanted('Stopped')
      .status(stopped(true, { ...STARTED, stoppedAt: '2026-01-05T00:00:00Z' }))
      .build();
    expect(lifeEvents(later).at(-1)?.id).not.toBe(ids.at(-1));
    const other = aSandbox().uid('another').wanted('Stopped').status(stopped(true, STARTED)).build();
    expect(
      lifeEvents(other)
        .map(({ id }) => id)
        .filter((id) => ids.includes(id)),
    ).toEqual([]);
  });

  it('a failed start is one event from the failure to the end of what is left of it', () => {
    const failure = { 'matrx.dev/start-failure': 'PodRefused: no' };
    const failed = lifeEvents(aSandbox().status(stalled('PodRefused')).build()).at(-1);
    const givenUp = withAnnotations(aSandbox().wanted('Stopped').status(notReady('Stopping')).build(), failure);
    const atRest = withAnnotations(aSandbox().wanted('Stopped').status(stopped(true)).build(), failure);
    expect(lifeEvents(givenUp).at(-1)?.id).toBe(failed?.id);
    expect(lifeEvents(atRest).at(-1)?.id).toBe(failed?.id);
    const again = withAnnotations(aSandbox().status(stalled('PodRefused')).build(), { 'matrx.dev/new-run': 'x' });
    expect(lifeEvents(again).at(-1)?.id).not.toBe(failed?.id);
  });
});

describe('what an endpoint is still to be told', () => {
  const now = Date.parse('2026-01-02T04:00:01Z');
  const sandbox = aSandbox()
    .wanted('Stopped')
    .status(stopped(true, { startedAt: '2026-01-02T03:59:00Z' }))
    .build();
  const ask = (
    more: Partial<Parameters<typeof dueEvents>[1]> = {},
    delivered: Parameters<typeof dueEvents>[2] = {},
    at = now,
  ) =>
    dueEvents(sandbox, { events: undefined, users: undefined, since: 0, ...more }, delivered, {
      now: at,
      isGone: false,
    }).map(({ type }) => type);

  it('is what it has not got, and what is not older than a day', () => {
    expect(ask()).toEqual(['sandbox.ready', 'sandbox.stopped']);
    expect(ask({}, { ready: '2026-01-02T03:59:00Z' })).toEqual(['sandbox.stopped']);
    expect(ask({}, { ready: '2026-01-01T00:00:00Z' })).toEqual(['sandbox.ready', 'sandbox.stopped']);
    expect(ask({}, {}, now + GIVE_UP_MS)).toEqual([]);
  });

  it('is what it wants to hear of: events, users, and nothing from before it was there', () => {
    expect(ask({ events: new Set(['sandbox.stopped']) })).toEqual(['sandbox.stopped']);
    expect(ask({ users: new Set(['bob']) })).toEqual([]);
    expect(ask({ users: new Set(['ann']) })).toHaveLength(2);
    expect(ask({ since: Date.parse('2026-01-02T03:59:30Z') })).toEqual(['sandbox.stopped']);
  });
});
