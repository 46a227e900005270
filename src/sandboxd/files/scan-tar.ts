import { type BlockReader, makeBlockReader } from './block-reader.ts';
import type { BytePath } from './byte-path.ts';
import { BLOCK_BYTES, isZero, notAnArchive, parseHeader, parsePax, parseSize, type TarHeader } from './tar-header.ts';
import type { MemberCheck, TarMember } from './tar-names.ts';

/** Names longer than this, and extended headers, are nothing that a kernel would take. */
const MAX_EXTENSION_BYTES = 1 << 20;

export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);

/** What extended headers say of the member that follows them. */
interface Extension {
  readonly name?: BytePath;
  readonly linkName?: BytePath;
  readonly size?: number;
}

/**
 * Passes a tar stream on as it is, each member only after `check` has taken it. What it cannot be sure to read as GNU
 * tar will, it refuses. Throws not_an_archive for what is none, and for one that ends too early.
 */
export async function* scanTar(chunks: AsyncIterable<Buffer>, check: MemberCheck): AsyncGenerator<Buffer> {
  const reader = makeBlockReader(chunks);
  try {
    yield* scan(reader, check);
  } catch (error) {
    throw error instanceof RangeError ? notAnArchive('the archive ends too early') : error;
  }
}

async function* scan(reader: BlockReader, check: MemberCheck): AsyncGenerator<Buffer> {
  let extension: Extension = {};
  for (;;) {
    const block = await reader.take(BLOCK_BYTES);
    if (block === undefined) throw notAnArchive('the archive ends without its end mark: it was cut');
    if (isZero(block)) {
      yield END_OF_ARCHIVE;
      await reader.drain();
      return;
    }
    const header = parseHeader(block);
    const data = isExtension(header) ? await readExtension(reader, header) : undefined;
    if (data !== undefined) {
      extension = { ...extension, ...extensionOf(header, data) };
      yield block;
      yield data;
      continue;
    }
    const size = extension.size ?? header.size;
    await check(memberOf(header, extension, size));
    extension = {};
    yield block;
    if (header.isExtended) yield* passSparseMap(reader);
    yield* reader.pass(padded(size));
  }
}

const isExtension = ({ type }: TarHeader): boolean => 'LKxgV'.includes(type);

const readExtension = async (reader: BlockReader, { size }: TarHeader): Promise<Buffer> => {
  if (size > MAX_EXTENSION_BYTES) throw notAnArchive('the archive has an extended header that is too large');
  const data = await reader.take(padded(size));
  if (data === undefined && size > 0) throw new RangeError('the stream ends too early');
  return data ?? Buffer.alloc(0);
};

const extensionOf = ({ type, size }: TarHeader, data: Buffer): Extension => {
  const content = data.subarray(0, size);
  if (type === 'L') return { name: untilNul(content) };
  if (type === 'K') return { linkName: untilNul(content) };
  if (type === 'V') return {};
  const records = parsePax(content);
  const name = records.get('GNU.sparse.name') ?? records.get('path');
  const linkName = records.get('linkpath');
  const length = records.get('size');
  if (type === 'g' && (name ?? linkName ?? length) !== undefined) {
    throw notAnArchive('the archive gives all of its members one name or size');
  }
  return {
    ...(name === undefined ? {} : { name: withoutNul(name) }),
    ...(linkName === undefined ? {} : { linkName: withoutNul(linkName) }),
    ...(length === undefined ? {} : { size: parseSize(length) }),
  };
};

const memberOf = (header: TarHeader, extension: Extension, size: number): TarMember => {
  const name = extension.name ?? header.name;
  const kind = kindOf(header, name);
  if (kind !== 'file' && size !== 0) throw notAnArchive(`the archive has a ${kind} with content`);
  return kind === 'hardlink' ? { name, kind, linkName: extension.linkName ?? header.linkName } : { name, kind };
};

const KINDS: Readonly<Record<string, TarMember['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
  '6': 'fifo',
};

const kindOf = ({ type }: TarHeader, name: BytePath): TarMember['kind'] => {
  const kind = KINDS[type];
  if (kind === undefined) {
    throw notAnArchive(
      type === '3' || type === '4'
        ? 'the archive has a device, which nobody may make in a sandbox'
        : `the archive has a member of the unknown type ${JSON.stringify(type)}`,
    );
  }
  // How directories were written before there was a type for them.
  return kind === 'file' && name.endsWith('/') ? 'directory' : kind;
};

async function* passSparseMap(reader: BlockReader): AsyncGenerator<Buffer> {
  for (;;) {
    const block = await reader.take(BLOCK_BYTES);
    if (block === undefined) throw new RangeError('the stream ends too early');
    yield block;
    if (block[504] !== 1) return;
  }
}

const padded = (size: number): number => Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;

const untilNul = (bytes: Buffer): BytePath => (bytes.toString('latin1').split('\0')[0] ?? '') as BytePath;

const withoutNul = (name: string): BytePath => {
  if (name.includes('\0')) throw notAnArchive('the archive has a name with a NUL in it');
  return name as BytePath;
};
