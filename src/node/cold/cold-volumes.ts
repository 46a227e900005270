import type { ColdDriverName } from '../../api/workspace-cold.ts';
import { CsiError } from '../csi-error.ts';
import type { Grant } from '../publish-verdict.ts';
import { makeTurns } from '../turns.ts';
import { makeVolumeTable, type Volume } from '../volume-table.ts';
import type { ColdJournal } from './cold-journal.ts';
import type { ColdRecord } from './cold-record.ts';
import type { ColdBeginning, ColdVolume } from './cold-volume.ts';

export interface ColdVolumesDeps {
  readonly journal: Pick<ColdJournal, 'save' | 'load'>;
  readonly start: (record: ColdRecord, beginning: ColdBeginning, onFinished: () => void) => ColdVolume;
}

export interface ExpectedColdVolume extends Volume {
  readonly driver: ColdDriverName;
}

export interface ColdVolumeRequest extends ExpectedColdVolume {
  readonly stsToken: string | undefined;
}

/** All cold volumes on this node, by the volume's id. */
export interface ColdVolumes {
  /** Goes on with what the journals of an earlier driver say. Answers the folders it could not read. */
  readonly adopt: () => Promise<readonly { readonly folder: string; readonly message: string }[]>;
  /** The one of this id, begun now if there is none. Throws a CsiError if another one is in the way. */
  readonly open: (grant: Grant, request: ColdVolumeRequest) => Promise<ColdVolume>;
  /** Begins what kubelet is about to ask for, if nothing is in the way: nothing is mounted until it does. */
  readonly begin: (grant: Grant, expected: ExpectedColdVolume) => Promise<void>;
  readonly find: (volumeId: string) => ColdVolume | undefined;
  readonly all: () => readonly ColdVolume[];
  /** Leaves the mounts as they are. */
  readonly stop: () => Promise<void>;
}

export const makeColdVolumes = (deps: ColdVolumesDeps): ColdVolumes => {
  const table = makeVolumeTable<ColdVolume>();
  const inTurn = makeTurns();

  /** Its journal, on disk; nothing runs yet. */
  const prepare = async (grant: Grant, { volumeId, target, driver }: ExpectedColdVolume): Promise<ColdRecord> => {
    for (const other of table.all()) checkNotInTheWay(other.view().record, grant);
    const record: ColdRecord = { format: 1, ...grant, volumeId, target, driver, released: false };
    await deps.journal.save(record);
    return record;
  };

  const start = (record: ColdRecord, beginning: ColdBeginning) => (onFinished: () => void) =>
    deps.start(record, beginning, onFinished);

  const open = async (grant: Grant, request: ColdVolumeRequest): Promise<ColdVolume> => {
    const { stsToken } = request;
    const known = table.findFor(request.volumeId, grant.podUid);
    if (known === undefined) return table.add(start(await prepare(grant, request), { shown: true, stsToken }));
    checkSame(known.view().record, grant);
    known.renewToken(stsToken);
    await table.claim(known, request);
    return known;
  };

  const begin = async (grant: Grant, volume: ExpectedColdVolume): Promise<void> => {
    if (table.find(volume.volumeId) !== undefined) return;
    table.expect(start(await prepare(grant, volume), { shown: false, stsToken: undefined }));
  };

  return {
    adopt: async () => {
      const { records, unreadable } = await deps.journal.load();
      for (const record of records) table.add(start(record, { shown: true, stsToken: undefined }));
      return unreadable;
    },
    // One at a time: two pods must not both find a workspace's folder free.
    open: (grant, request) => inTurn('open', () => open(grant, request)),
    begin: (grant, volume) => inTurn('open', () => begin(grant, volume)),
    find: table.find,
    all: table.all,
    stop: async () => {
      await Promise.all(table.all().map((volume) => volume.stop()));
    },
  };
};

const checkSame = (record: ColdRecord, grant: Grant): void => {
  if (record.podUid === grant.podUid && record.workspace === grant.workspace && record.epoch === grant.epoch) return;
  throw new CsiError(
    'Unavailable',
    `this volume shows cold storage of epoch ${record.epoch} of Workspace ${record.workspace}, and the pod now has epoch ${grant.epoch} of ${grant.workspace}`,
  );
};

/** Whoever mounts a prefix before its last mount has sent everything would not see it, and could be overwritten by it. */
const checkNotInTheWay = (record: ColdRecord, grant: Grant): void => {
  if (record.podUid === grant.podUid && !record.released) {
    throw new CsiError('InvalidArgument', `pod ${grant.pod} mounts cold storage twice: one volume is enough`);
  }
  if (record.workspace === grant.workspace) {
    throw new CsiError(
      'Unavailable',
      `cold storage of epoch ${record.epoch} of Workspace ${record.workspace} is still being uploaded for pod ${record.pod}, the one before`,
    );
  }
};
