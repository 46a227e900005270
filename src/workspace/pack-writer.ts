import { hash } from 'node:crypto';
import type { ByteBudget } from './byte-budget.ts';
import { makeBufferPool } from './buffer-pool.ts';
import { PACKED_BELOW } from './entry.ts';
import { packKey } from './layout.ts';
import { TAR_END, tarHeader, tarPadding } from './tar-format.ts';
import type { Uploads } from './uploads.ts';
import type { BytePath } from './byte-path.ts';

/** A pack is sealed when it has reached this; with one file of almost 4 MiB on top it stays below 13 MiB. */
export const SEAL_BYTES = 8 << 20;
/** Room for that file, its headers and the end of the archive. Untouched memory costs nothing. */
const PACK_CAPACITY = SEAL_BYTES + PACKED_BELOW + (64 << 10);
/** About what one member takes beside its data. */
const MEMBER_BYTES = 2048;

/** Where a file is going; `pack` is known once the pack is sealed. */
export interface Slot {
  readonly offset: number;
  pack: string | undefined;
}

export interface PackMember {
  readonly path: BytePath;
  readonly mode: number;
  readonly mtimeNs: bigint;
}

export interface PackWriter {
  readonly add: (member: PackMember, data: Buffer) => Promise<Slot>;
  /** Hands over what is left: every slot has its pack now. */
  readonly finish: () => void;
  /** Gives back the buffer of a pack that was never finished. */
  readonly abandon: () => void;
  /** Bytes of every sealed pack. */
  readonly packs: ReadonlyMap<string, number>;
}

/** Fills ordinary PAX tar files, one at a time, and hands each over for upload as soon as it is large enough. */
export const makePackWriter = (deps: {
  readonly budget: ByteBudget;
  readonly uploads: Uploads;
  readonly ownerId: number;
  readonly signal: AbortSignal | undefined;
  /** What is expected to be added, so that a small commit takes little of the budget. */
  readonly expected: { readonly files: number; readonly bytes: number };
}): PackWriter => {
  const packs = new Map<string, number>();
  let expectedBytes = deps.expected.bytes + (deps.expected.files + 1) * MEMBER_BYTES;
  const pool = makeBufferPool(PACK_CAPACITY);
  let open: { buffer: Buffer; length: number; slots: Slot[]; release: () => void } | undefined;

  const seal = (): void => {
    if (open === undefined) return;
    const { buffer, length, slots, release } = open;
    open = undefined;
    const body = buffer.subarray(0, length + TAR_END.length).fill(0, length);
    const sha256 = hash('sha256', body, 'hex');
    for (const slot of slots) slot.pack = sha256;
    packs.set(sha256, body.length);
    expectedBytes = Math.max(MEMBER_BYTES, expectedBytes - body.length);
    deps.uploads.start(packKey(sha256), sha256, body, () => {
      pool.give(buffer);
      release();
    });
  };

  const add: PackWriter['add'] = async (member, data) => {
    open ??= {
      release: await deps.budget.acquire(Math.min(PACK_CAPACITY, expectedBytes), deps.signal),
      buffer: pool.take(PACK_CAPACITY),
      length: 0,
      slots: [],
    };
    const header = tarHeader({ ...member, kind: 'file', size: data.length, ownerId: deps.ownerId });
    const offset = open.length + header.length;
    const end = offset + data.length + tarPadding(data.length);
    header.copy(open.buffer, open.length);
    data.copy(open.buffer, offset);
    open.buffer.fill(0, offset + data.length, end);
    open.length = end;
    const slot: Slot = { offset, pack: undefined };
    open.slots.push(slot);
    if (end >= SEAL_BYTES) seal();
    return slot;
  };

  const abandon = (): void => {
    open?.release();
    open = undefined;
  };

  return { add, finish: seal, abandon, packs };
};
