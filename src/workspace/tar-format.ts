import type { BytePath } from './byte-path.ts';

/**
 * Headers of the PAX interchange format (POSIX.1-2001, `pax`), which every `tar x` reads. Written here because names
 * are raw bytes and times have nanoseconds, and both must come back exactly.
 */
export interface TarMember {
  readonly path: BytePath;
  readonly kind: 'file' | 'hardlink' | 'symlink' | 'directory';
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** Bytes of data that follow the header. */
  readonly size: number;
  readonly ownerId: number;
  /** Of a hardlink: the path it is linked to; of a symlink: its target. */
  readonly target?: BytePath;
  /** More PAX records, for a sparse file. */
  readonly records?: readonly (readonly [string, string])[];
}

export const TAR_BLOCK = 512;
/** Two empty blocks. */
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK);
export const tarPadding = (size: number): number => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;

/** About what a file takes of an archive: its header, its extended header (with a long name), its data. */
export const memberBytes = (path: BytePath, size: number): number => {
  const records = 32 + (PLAIN.test(path) ? 0 : path.length + 16);
  return 2 * TAR_BLOCK + records + tarPadding(records) + size + tarPadding(size);
};

const TYPES = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
const PLAIN = /^[\x20-\x7e]{0,100}$/;
const MAX_OCTAL_SIZE = 8 ** 11;
const MAX_OCTAL_ID = 8 ** 7;

/** The member's header with its extended header before it. The data follows, padded by `tarPadding(size)` zeros. */
export const tarHeader = (member: TarMember): Buffer => {
  const path = member.kind === 'directory' ? `${member.path === '' ? '.' : member.path}/` : member.path;
  const records: (readonly [string, string])[] = [['mtime', seconds(member.mtimeNs)]];
  if (!PLAIN.test(path)) records.push(['path', path]);
  if (member.target !== undefined && !PLAIN.test(member.target)) records.push(['linkpath', member.target]);
  if (member.size >= MAX_OCTAL_SIZE) records.push(['size', String(member.size)]);
  if (member.ownerId >= MAX_OCTAL_ID) {
    records.push(['uid', String(member.ownerId)], ['gid', String(member.ownerId)]);
  }
  const extended = Buffer.concat([...records, ...(member.records ?? [])].map(([key, value]) => record(key, value)));
  const header = ustar({ ...member, path, type: TYPES[member.kind] });
  return Buffer.concat([
    ustar({ ...member, path: 'PaxHeader', target: '', type: 'x', size: extended.length, mode: 0o644 }),
    extended,
    Buffer.alloc(tarPadding(extended.length)),
    header,
  ]);
};

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
const record = (key: string, value: string): Buffer => {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.from(`${length}${rest}`, 'latin1');
};

const seconds = (ns: bigint): string => {
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % 1_000_000_000n).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${absolute / 1_000_000_000n}.${fraction}`;
};

interface UstarFields {
  readonly path: string;
  readonly target?: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ownerId: number;
}

const ustar = (fields: UstarFields): Buffer => {
  const block = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, offset: number, width: number): void => {
    block.write(value.toString(8).padStart(width - 1, '0'), offset, width - 1, 'latin1');
  };
  const owner = fields.ownerId < MAX_OCTAL_ID ? fields.ownerId : 0;
  const wholeSeconds = Number(fields.mtimeNs / 1_000_000_000n);
  block.write(fields.path, 0, 100, 'latin1');
  octal(fields.mode, 100, 8);
  octal(owner, 108, 8);
  octal(owner, 116, 8);
  octal(fields.size < MAX_OCTAL_SIZE ? fields.size : 0, 124, 12);
  octal(wholeSeconds >= 0 && wholeSeconds < MAX_OCTAL_SIZE ? wholeSeconds : 0, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(fields.type, 156, 'latin1');
  block.write(fields.target ?? '', 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
};
