import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import { CsiError } from './csi-error.ts';
import type { Grant } from './publish-verdict.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRecord } from './session-record.ts';
import type { Session } from './session.ts';
import { makeTurns } from './turns.ts';
import { makeVolumeTable, type Volume } from './volume-table.ts';

export interface SessionsDeps {
  readonly journal: Pick<SessionJournal, 'create' | 'load'>;
  readonly start: (record: SessionRecord, onFinished: () => void) => Session;
}

/** All homes on this node, by the volume that shows them. */
export interface Sessions {
  /** Goes on with what the journals of an earlier driver say. Answers the folders it could not read. */
  readonly adopt: () => Promise<readonly { readonly folder: string; readonly message: string }[]>;
  /**
   * The session of this volume, begun now if there is none. Throws a CsiError if another one is in the way. What was
   * begun before kubelet asked becomes the session of the volume that it asks for, whatever id was expected.
   */
  readonly open: (grant: Grant, volume: Volume) => Promise<Session>;
  /** Begins the session that kubelet is about to ask for, if nothing is in the way. */
  readonly begin: (grant: Grant, expected: Volume) => Promise<void>;
  readonly find: (volumeId: string) => Session | undefined;
  readonly all: () => readonly Session[];
  /** One last commit of each open home, within `ms` milliseconds; then cuts what still runs. Never rejects. */
  readonly stop: (clock: Clock, ms: number) => Promise<void>;
}

export const makeSessions = (deps: SessionsDeps): Sessions => {
  const table = makeVolumeTable<Session>();
  const inTurn = makeTurns();

  /** Its journal, on disk; nothing runs yet. */
  const prepare = async (grant: Grant, { volumeId, target }: Volume): Promise<SessionRecord> => {
    for (const other of table.all()) checkNotInTheWay(other.view().record, grant);
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
    return record;
  };

  const start = (record: SessionRecord) => (onFinished: () => void) => deps.start(record, onFinished);

  const open = async (grant: Grant, volume: Volume): Promise<Session> => {
    const known = table.findFor(volume.volumeId, grant.podUid);
    if (known === undefined) return table.add(start(await prepare(grant, volume)));
    await table.claim(checkSame(known, grant), volume);
    return known;
  };

  const begin = async (grant: Grant, volume: Volume): Promise<void> => {
    if (table.find(volume.volumeId) === undefined) table.expect(start(await prepare(grant, volume)));
  };

  return {
    adopt: async () => {
      const { records, unreadable } = await deps.journal.load();
      for (const record of records) table.add(start(record));
      return unreadable;
    },
    // One at a time: two pods must not both find a workspace's folder free.
    open: (grant, volume) => inTurn('open', () => open(grant, volume)),
    begin: (grant, volume) => inTurn('open', () => begin(grant, volume)),
    find: table.find,
    all: table.all,
    stop: async (clock, ms) => {
      const sessions = table.all();
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
