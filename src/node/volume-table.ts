/** A volume as kubelet names it, and where it wants it. */
export interface Volume {
  readonly volumeId: string;
  readonly target: string;
}

/** What serves a volume of a pod. */
interface Served {
  readonly view: () => { readonly record: Volume & { readonly podUid: string } };
  /** It is shown by this volume, and not by the one that was expected. */
  readonly rename: (volume: Volume) => Promise<void>;
}

/**
 * What serves the volumes of one kind on this node, by their ids. What was begun before kubelet asked is kept under the
 * id that was expected, and becomes the one of the volume that kubelet asks for, whatever its id.
 */
export interface VolumeTable<S extends Served> {
  /** Begins one. `start` gets what is to be called when nothing of it is left on this node. */
  readonly add: (start: (onFinished: () => void) => S) => S;
  /** The same, before kubelet has asked for it. */
  readonly expect: (start: (onFinished: () => void) => S) => S;
  readonly find: (volumeId: string) => S | undefined;
  /** The one of this volume, or the one that was begun for this pod. */
  readonly findFor: (volumeId: string, podUid: string) => S | undefined;
  /** Kubelet has asked for it, as this volume. Resolves when it is known by that. */
  readonly claim: (served: S, volume: Volume) => Promise<void>;
  readonly all: () => readonly S[];
}

export const makeVolumeTable = <S extends Served>(): VolumeTable<S> => {
  const byId = new Map<string, S>();
  const expected = new Set<S>();

  const add: VolumeTable<S>['add'] = (start) => {
    const served = start(() => {
      expected.delete(served);
      byId.delete(served.view().record.volumeId);
    });
    byId.set(served.view().record.volumeId, served);
    return served;
  };

  return {
    add,
    expect: (start) => {
      const served = add(start);
      expected.add(served);
      return served;
    },
    find: (volumeId) => byId.get(volumeId),
    findFor: (volumeId, podUid) =>
      byId.get(volumeId) ?? [...expected].find((served) => served.view().record.podUid === podUid),
    claim: async (served, volume) => {
      const { volumeId } = served.view().record;
      if (volumeId !== volume.volumeId) {
        await served.rename(volume);
        byId.delete(volumeId);
        byId.set(volume.volumeId, served);
      }
      expected.delete(served);
    },
    all: () => [...byId.values()],
  };
};
