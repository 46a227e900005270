import type { SessionState } from '../api/workspace.ts';
import { type SessionRecord, withKept } from './session-record.ts';

/**
 * What can happen to a session.
 *
 * - `restored`: the home holds HEAD, and HEAD is ours.
 * - `released`: see SessionRecord; from here on only the bucket is missing something.
 * - `committed`: a commit of the quiet home went through.
 * - `overtaken`: HEAD belonged to a newer epoch before anything was restored.
 * - `conflictSaved`: the whole home is below `conflicts/`.
 */
export type SessionEvent =
  | { readonly kind: 'restored'; readonly at: string }
  | { readonly kind: 'released' }
  | { readonly kind: 'committed' }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'conflictSaved'; readonly manifest: string };

/** What a session has to do next. */
export type SessionStep = 'restore' | 'resume' | 'commit' | 'finalCommit' | 'saveConflict' | 'awaitRelease' | 'finish';

/** What this process has learned of a home; the next one learns it again. */
export interface Learned {
  /** A commit was refused because HEAD is another writer's, or the engine has lost its own state. */
  readonly fenced: boolean;
  /** The engine has vouched for the files: what is in the home is what the containers left. */
  readonly resumed: boolean;
}

/**
 * The state machine:
 *
 *     Restoring ── restored ──▶ Open ── released ──▶ Saving ── committed ──▶ Closed
 *         │ released: Closed     │ conflictSaved       │ conflictSaved
 *         │ overtaken: Conflict  ▼                     ▼
 *         └──────────────▶   Conflict ── released, conflictSaved once more ──▶ stored
 *
 * - Restoring: the journal says Open before kubelet is told that the volume is there, so no container has run in a home
 *   that is Restoring: it holds nothing of its own and closes at once.
 * - Open: containers may run. The home may be fenced meanwhile; the sandbox keeps its files and goes on. A new driver
 *   first asks the engine to resume: if the machine went down before the restored files had reached the disk, the
 *   engine puts the torn home aside and restores anew, and until then nothing may be mounted.
 * - Saving: as long as it takes.
 * - Conflict while containers still run: what they write from then on is saved below `conflicts/` after their end.
 *
 * Answers the same record when the event means nothing in its state.
 */
export const transition = (record: SessionRecord, event: SessionEvent): SessionRecord => {
  if (event.kind === 'released') return release(record);
  if (event.kind === 'conflictSaved') return saveConflict(record, event.manifest);
  if (event.kind === 'committed') {
    return record.state === 'Saving' ? { ...record, state: 'Closed', stored: true } : record;
  }
  if (record.state !== 'Restoring') return record;
  if (event.kind === 'overtaken') return { ...record, state: 'Conflict', released: true, stored: true };
  return { ...record, state: 'Open', openedAt: event.at };
};

const release = (record: SessionRecord): SessionRecord => {
  if (record.released) return record;
  if (record.state === 'Restoring') return { ...record, state: 'Closed', released: true, stored: true };
  if (record.state === 'Open') return { ...record, state: 'Saving', released: true };
  return { ...record, released: true };
};

// Only a home that nobody writes to can be stored for good.
const saveConflict = (record: SessionRecord, manifest: string): SessionRecord => {
  if (record.stored || record.state === 'Restoring') return record;
  return { ...withKept(record, manifest), state: 'Conflict', stored: record.released };
};

const STEPS: Readonly<Record<SessionState, (record: SessionRecord, learned: Learned) => SessionStep>> = {
  Restoring: () => 'restore',
  Open: (_record, { fenced, resumed }) => (fenced ? 'saveConflict' : resumed ? 'commit' : 'resume'),
  Saving: (_record, { fenced, resumed }) => (fenced ? 'saveConflict' : resumed ? 'finalCommit' : 'resume'),
  Closed: () => 'finish',
  Conflict: ({ stored, released }) => (stored ? 'finish' : released ? 'saveConflict' : 'awaitRelease'),
};

export const nextStep = (record: SessionRecord, learned: Learned): SessionStep => STEPS[record.state](record, learned);
