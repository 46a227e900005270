import type { ColdDriverName } from '../../api/workspace-cold.ts';
import { CsiError } from '../csi-error.ts';
import type { Grant } from '../publish-verdict.ts';
import type { Volume } from '../sessions.ts';
import { makeTurns } from '../turns.ts';
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
  const byId = new Map<string, ColdVolume>();
  /** Begun, and not asked for yet. */
  const expected = new Set<ColdVolume>();
  const inTurn = makeTurns();

  const start = (record: ColdRecord, beginning: ColdBeginning): ColdVolume => {
    const volume = deps.start(record, beginning, () => {
      expected.delete(volume);
      byId.delete(volume.view().record.volumeId);
    });
    byId.set(record.volumeId, volume);
    return volume;
  };

  const create = async (grant: Grant, volume: ExpectedColdVolume, beginning: ColdBeginning): Promise<ColdVolume> => {
    for (const other of byId.values()) checkNotInTheWay(other.view().record, grant);
    const { volumeId, target, driver } = volume;
    const record: ColdRecord = { format: 1, ...grant, volumeId, target, driver, released: false };
    await deps.journal.save(record);
    return start(record, beginning);
  };

  const open = async (grant: Grant, request: ColdVolumeRequest): Promise<ColdVolume> => {
    const { volumeId, stsToken } = request;
    const known = byId.get(volumeId) ?? [...expected].find((one) => one.view().record.podUid === grant.podUid);
    if (known === undefined) return create(grant, request, { shown: true, stsToken });
    const { record } = known.view();
    checkSame(record, grant);
    known.renewToken(stsToken);
    if (record.volumeId !== volumeId) {
      await known.rename(request);
      byId.delete(record.volumeId);
      byId.set(volumeId, known);
    }
    expected.delete(known);
    return known;
  };

  const begin = async (grant: Grant, volume: ExpectedColdVolume): Promise<void> => {
    if (byId.has(volume.volumeId)) return;
    expected.add(await create(grant, volume, { shown: false, stsToken: undefined }));
  };

  return {
    adopt: async () => {
      const { records, unreadable } = await deps.journal.load();
      for (const record of records) start(record, { shown: true, stsToken: undefined });
      return unreadable;
    },
    // One at a time: two pods must not both find a workspace's folder free.
    open: (grant, request) => inTurn('open', () => open(grant, request)),
    begin: (grant, volume) => inTurn('open', () => begin(grant, volume)),
    find: (volumeId) => byId.get(volumeId),
    all: () => [...byId.values()],
    stop: async () => {
      await Promise.all([...byId.values()].map((volume) => volume.stop()));
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
