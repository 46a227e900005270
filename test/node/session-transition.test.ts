import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { SessionRecord } from '../../src/node/session-record.ts';
import { nextStep, transition, type SessionEvent } from '../../src/node/session-transition.ts';
import { aRecord } from './support/record.ts';

const anEvent: fc.Arbitrary<SessionEvent> = fc.constantFrom<SessionEvent>(
  { kind: 'restored', at: '2026-01-01T00:00:00Z' },
  { kind: 'released' },
  { kind: 'committed' },
  { kind: 'overtaken' },
  { kind: 'conflictSaved', manifest: '.ws/conflicts/1' },
);
const run = (events: readonly SessionEvent[]): SessionRecord => events.reduce(transition, aRecord());
const FRESH = { fenced: false, resumed: false };
const OPEN = { fenced: false, resumed: true };
const FENCED = { fenced: true, resumed: true };
const aPast = fc.array(anEvent, { maxLength: 8 });

describe('a session', () => {
  test('goes from Restoring over Open and Saving to Closed', () => {
    const states = [
      { kind: 'restored', at: 'now' } as const,
      { kind: 'released' } as const,
      { kind: 'committed' } as const,
    ].map((_event, index, events) => run(events.slice(0, index + 1)).state);
    expect(states).toEqual(['Open', 'Saving', 'Closed']);
  });

  test('that was never open closes at once when its pod goes: no container ran in it', () => {
    expect(run([{ kind: 'released' }])).toMatchObject({ state: 'Closed', stored: true });
  });

  test('that meets a newer writer while it is open keeps its files until its containers are dead', () => {
    const inUse = run([
      { kind: 'restored', at: 'now' },
      { kind: 'conflictSaved', manifest: 'm' },
    ]);
    expect(inUse).toMatchObject({ state: 'Conflict', stored: false });
    expect(nextStep(inUse, FENCED)).toBe('awaitRelease');
    const after = transition(inUse, { kind: 'released' });
    expect(nextStep(after, FRESH)).toBe('saveConflict');
    expect(nextStep(transition(after, { kind: 'conflictSaved', manifest: 'm' }), FRESH)).toBe('finish');
  });

  test('is only thrown away when everything is stored and nobody writes', () => {
    fc.assert(
      fc.property(aPast, fc.constantFrom(FENCED, FRESH, OPEN), (past, learned) => {
        const record = run(past);
        if (nextStep(record, learned) === 'finish') expect(record).toMatchObject({ stored: true, released: true });
      }),
    );
  });

  test('that was opened is stored only by a commit or a conflict made after its release', () => {
    fc.assert(
      fc.property(aPast, (past) => {
        const record = run(past);
        if (record.openedAt === undefined || !record.stored) return;
        const release = past.findIndex((event) => event.kind === 'released');
        const saved = past.slice(release + 1).some(({ kind }) => kind === 'committed' || kind === 'conflictSaved');
        expect(release).toBeGreaterThan(-1);
        expect(saved).toBe(true);
      }),
    );
  });

  test('commits nothing of a home that the engine has not vouched for', () => {
    fc.assert(
      fc.property(aPast, (past) => {
        expect(['restore', 'resume', 'saveConflict', 'awaitRelease', 'finish']).toContain(nextStep(run(past), FRESH));
      }),
    );
  });

  test('never goes back: what is released stays released, what is final stays final', () => {
    fc.assert(
      fc.property(aPast, anEvent, (past, event) => {
        const before = run(past);
        const after = transition(before, event);
        if (before.released) expect(after.released).toBe(true);
        if (before.stored) expect(after).toBe(before);
        if (before.state === 'Closed' || before.state === 'Conflict') expect(after.state).toBe(before.state);
      }),
    );
  });
});
