import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import { CsiError } from './csi-error.ts';
import type { Grant } from './publish-verdict.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRecord } from './session-record.ts';
import type { Session } from './session.ts';
import { makeTurns } from './turns.ts';

export interface SessionsDeps {
  readonly journal: Pick<SessionJournal, 'create' | 'load'>;
  readonly start: (record: SessionRecord, onFinished: () => void) => Session;
}

/** All homes on this node, by the volume that shows them. */
export interface Sessions {
  /** Goes on with what the journals of an earlier driver say. Answers the folders it could not read. */
  readonly adopt: () => Promise<readonly { readonly folder: string; readonly message: string }[]>;
  /** The session of this volume, begun now if there is none. Throws a CsiError if another one is in the way. */
  readonly open: (grant: Grant, volumeId: string, target: string) => Promise<Session>;
  readonly find: (volumeId: string) => Session | undefined;
  readonly all: () => readonly Session[];
  /** One last commit of each open home, within `ms` milliseconds; then cuts what still runs. Never rejects. */
  readonly stop: (clock: Clock, ms: number) => Promise<void>;
}

export const makeSessions = (deps: SessionsDeps): Sessions => {
  const byVolume = new Map<string, Session>();
  const inTurn = makeTurns();

  const start = (record: SessionRecord): Session => {
    const session = deps.start(record, () => byVolume.delete(record.volumeId));
    byVolume.set(record.volumeId, session);
    return session;
  };

  const open = async (grant: Grant, volumeId: string, target: string): Promise<Session> => {
    const known = byVolume.get(volumeId);
    if (known !== undefined) return checkSame(known, grant);
    for (const other of byVolume.values()) checkNotInTheWay(other.view().record, grant);
    const record: SessionRecord = {
      format: 1,
      ...grant,
      volumeId,
      target,
      state: 'Restoring',
      released: false,
      stored: false,
    };
    await deps.journal.create(record);
    return start(record);
  };

  return {
    adopt: async () => {
      const { records, unreadable } = await deps.journal.load();
      for (const record of records) start(record);
      return unreadable;
    },
    // One at a time: two pods must not both find a workspace's folder free.
    open: (grant, volumeId, target) => inTurn('open', () => open(grant, volumeId, target)),
    find: (volumeId) => byVolume.get(volumeId),
    all: () => [...byVolume.values()],
    stop: async (clock, ms) => {
      const sessions = [...byVolume.values()];
      const drained = Promise.all(sessions.map((session) => session.drain()));
      await withDeadline(clock, { what: 'the last commits', ms }, () => drained).catch(() => undefined);
      await Promise.all(sessions.map((session) => session.stop()));
    },
  };
};

const checkSame = (session: Session, grant: Grant): Session => {
  const { record } = session.view();
  if (record.podUid === grant.podUid && record.workspace === grant.workspace && record.epoch === grant.epoch) {
    return session;
  }
  throw new CsiError(
    'Unavailable',
    `this volume shows epoch ${record.epoch} of Workspace ${record.workspace}, and the pod now has epoch ${grant.epoch} of ${grant.workspace}`,
  );
};

const checkNotInTheWay = (record: SessionRecord, grant: Grant): void => {
  if (record.podUid === grant.podUid) {
    throw new CsiError('InvalidArgument', `pod ${grant.pod} mounts its workspace twice: one volume is enough`);
  }
  if (record.workspace === grant.workspace && record.epoch === grant.epoch) {
    throw new CsiError(
      'Unavailable',
      `the home of epoch ${grant.epoch} is still ${record.state} for pod ${record.pod}, the one before`,
    );
  }
};
