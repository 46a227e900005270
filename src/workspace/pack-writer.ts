import { hash } from 'node:crypto';
import type { ByteBudget } from './byte-budget.ts';
import { packKey } from './layout.ts';
import { TAR_BLOCK, TAR_END, tarHeader, tarPadding } from './tar-format.ts';
import type { Uploads } from './uploads.ts';
import type { BytePath } from './byte-path.ts';

/** A pack is sealed when it has reached this; with one file of almost 4 MiB on top it stays below 16 MiB. */
const SEAL_BYTES = 8 << 20;
const FIRST_BYTES = 64 << 10;
/** What one pack takes of the budget at most: its buffer at its largest. */
const PACK_BUDGET = 16 << 20;
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
  let expectedBytes = deps.expected.bytes + deps.expected.files * MEMBER_BYTES + FIRST_BYTES;
  let open: { buffer: Buffer; length: number; slots: Slot[]; release: () => void } | undefined;

  const seal = (): void => {
    if (open === undefined) return;
    const { buffer, length, slots, release } = open;
    open = undefined;
    const body = buffer.subarray(0, length + TAR_END.length);
    const sha256 = hash('sha256', body, 'hex');
    for (const slot of slots) slot.pack = sha256;
    packs.set(sha256, body.length);
    expectedBytes = Math.max(FIRST_BYTES, expectedBytes - body.length);
    deps.uploads.start(packKey(sha256), sha256, body, release);
  };

  const add: PackWriter['add'] = async (member, data) => {
    open ??= {
      release: await deps.budget.acquire(Math.min(PACK_BUDGET, expectedBytes), deps.signal),
      buffer: Buffer.alloc(FIRST_BYTES),
      length: 0,
      slots: [],
    };
    const header = tarHeader({ ...member, kind: 'file', size: data.length, ownerId: deps.ownerId });
    const offset = open.length + header.length;
    const end = offset + data.length + tarPadding(data.length);
    open.buffer = withRoom(open.buffer, open.length, end + TAR_END.length);
    header.copy(open.buffer, open.length);
    data.copy(open.buffer, offset);
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

/** The buffer, or one twice as large with its first `used` bytes; the rest is zeros, as a tar's padding must be. */
const withRoom = (buffer: Buffer, used: number, needed: number): Buffer => {
  if (needed <= buffer.length) return buffer;
  let size = buffer.length;
  while (size < needed) size *= 2;
  const larger = Buffer.alloc(size + ((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK));
  buffer.copy(larger, 0, 0, used);
  return larger;
};
