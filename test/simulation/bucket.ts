import type { Clock } from '../../src/base/clock.ts';
import type { StorageVerdict } from '../../src/node/storage-watch.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { encodeHead } from '../../src/workspace/head.ts';
import { HomeError, type HeadSummary, type Home, type HomeOptions } from '../../src/workspace/home.ts';
import { HEAD_KEY } from '../../src/workspace/layout.ts';
import { type ObjectStore, StoreError } from '../../src/workspace/object-store.ts';

/** A file is its name: agents only ever add some. */
type Files = ReadonlySet<string>;

interface Head {
  readonly epoch: number;
  /** Of the home that has it: another one of the same epoch is another writer. */
  readonly owner: string;
  readonly sequence: number;
  readonly committedAt: number;
  readonly files: Files;
}

/** What a node's disk keeps of a home, whichever process looks at it. */
export interface DiskHome {
  readonly files: Set<string>;
  restored: boolean;
  /** How many of the files the last commit had. */
  committed: number;
}

/**
 * A bucket of many workspaces, and an engine of the simplest kind on the disks of nodes. It keeps to the contract of
 * src/workspace/home.ts: HEAD is replaced by compare-and-swap, by the epoch's own writer and no other.
 */
export interface Bucket {
  reachable: boolean;
  readonly openHome: (disk: Map<string, DiskHome>, owner: string) => (options: HomeOptions) => Promise<Home>;
  readonly store: ObjectStore;
  readonly verdict: () => StorageVerdict;
  /** Somebody else takes the HEAD of that user's home. */
  readonly fenceOf: (user: string) => void;
  /** What must not have happened: whoever did it may have taken it for a failure of the storage. */
  readonly wrongs: readonly string[];
  readonly isInHead: (file: string) => boolean;
  readonly isInConflict: (file: string) => boolean;
}

export const makeBucket = (clock: Clock): Bucket => {
  const heads = new Map<string, Head>();
  const conflicts = new Set<string>();
  const wrongs: string[] = [];
  const headOf = (prefix: string): Head =>
    heads.get(prefix) ?? { epoch: 0, owner: '', sequence: 0, committedAt: 0, files: new Set() };
  const request = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (!bucket.reachable) throw new StoreError('Unreachable', 's3:PutObject', 'the bucket cannot be reached');
  };
  const summaryOf = ({ epoch, sequence, committedAt, files }: Head): HeadSummary => ({
    epoch,
    sequence,
    manifest: sequence === 0 ? undefined : `.ws/manifests/${epoch}-${sequence}`,
    committedAt,
    files: files.size,
    bytes: files.size,
  });
  const put = (prefix: string, next: Head): void => {
    const before = headOf(prefix);
    const lost = [...before.files].filter((file) => !next.files.has(file));
    if (lost.length > 0) wrongs.push(`saved files are lost: ${lost.join(', ')}`);
    if (next.epoch < before.epoch) wrongs.push(`epoch ${next.epoch} has published after epoch ${before.epoch}`);
    heads.set(prefix, next);
  };

  const open = (disk: Map<string, DiskHome>, owner: string, { prefix, epoch, home }: HomeOptions): Home => {
    const mine = `${owner}${home}`;
    const found = (): DiskHome => {
      const known = disk.get(home) ?? { files: new Set<string>(), restored: false, committed: 0 };
      disk.set(home, known);
      return known;
    };
    const requireOwn = (head: Head): void => {
      const isOthers = head.epoch > epoch || (head.epoch === epoch && head.owner !== mine);
      if (isOthers) throw new HomeError('Fenced', `HEAD has epoch ${head.epoch}`);
    };
    return {
      restore: async ({ signal, request: asked }) => {
        await asked;
        const local = found();
        if (local.restored) return { head: summaryOf(headOf(prefix)), resumed: true };
        request(signal);
        const head = headOf(prefix);
        requireOwn(head);
        put(prefix, { ...head, epoch, owner: mine });
        for (const file of head.files) local.files.add(file);
        local.restored = true;
        local.committed = local.files.size;
        return { head: summaryOf(headOf(prefix)), resumed: false };
      },
      commit: async ({ signal }) => {
        const local = found();
        const report = (committed: boolean) => ({
          head: summaryOf(headOf(prefix)),
          committed,
          dirty: 0,
          skipped: [],
          skippedTotal: 0,
          scanMs: 1,
        });
        if (!local.restored) throw new HomeError('NotRestored', 'the home is not complete');
        if (local.files.size === local.committed) return report(false);
        request(signal);
        const head = headOf(prefix);
        requireOwn(head);
        put(prefix, { ...head, files: new Set(local.files), sequence: head.sequence + 1, committedAt: clock.now() });
        local.committed = local.files.size;
        return report(true);
      },
      saveConflict: async ({ signal }) => {
        request(signal);
        for (const file of found().files) conflicts.add(file);
        return { manifest: `.ws/conflicts/${epoch}-${conflicts.size}` };
      },
      close: () => Promise.resolve(),
    };
  };

  const bucket: Bucket = {
    reachable: true,
    openHome: (disk, owner) => (options) => Promise.resolve(open(disk, owner, options)),
    store: {
      name: 's3://bucket',
      get: (key: string) => {
        const { epoch, sequence, committedAt, files } = headOf(key.slice(0, -HEAD_KEY.length));
        const body = encodeHead({
          epoch,
          sequence,
          manifest: sequence === 0 ? undefined : `.ws/manifests/${epoch}-${sequence}`,
          manifestSha256: sequence === 0 ? undefined : '0'.repeat(64),
          committedAt,
          files: files.size,
          bytes: files.size,
          writer: 'sandbox/other on another node',
          nonce: 'n',
        });
        return Promise.resolve({ body, etag: '"1"' });
      },
    } as unknown as ObjectStore,
    verdict: () =>
      bucket.reachable
        ? { ok: true }
        : { ok: false, reason: 'Unreachable', permission: '', message: 'the bucket does not answer' },
    fenceOf: (user) => {
      const prefix = workspacePrefix(user);
      const head = headOf(prefix);
      put(prefix, { ...head, epoch: head.epoch + 1, owner: 'somebody else' });
    },
    wrongs,
    isInHead: (file) => [...heads.values()].some(({ files }) => files.has(file)),
    isInConflict: (file) => conflicts.has(file),
  };
  return bucket;
};
