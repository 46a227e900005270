import { z } from 'zod';
import type { FileInfo } from '../../sandboxd/protocol/files.ts';

export const FileRepresentation = z
  .object({
    path: z.string().describe('Absolute. What of it is no UTF-8 reads U+FFFD.'),
    encoded_path: z
      .string()
      .optional()
      .describe('Only of a path that is no UTF-8: its bytes, percent-encoded, as they go into the path of a URL.'),
    name: z.string(),
    type: z.enum(['file', 'directory', 'symlink', 'other']),
    size: z.int().min(0),
    mode: z.string().describe('Permission bits in octal, such as 0644.'),
    uid: z.int(),
    gid: z.int(),
    modified_at: z.string().describe('RFC 3339 with nanoseconds.'),
    target: z.string().optional().describe('Where a symlink leads to.'),
    etag: z.string().describe('As in the header ETag: changes with the content.'),
  })
  .meta({ id: 'File' });
export type FileRepresentation = Readonly<z.infer<typeof FileRepresentation>>;

export const representFile = (info: FileInfo): FileRepresentation => ({
  path: info.path,
  ...(info.encodedPath === undefined ? {} : { encoded_path: info.encodedPath }),
  name: info.name,
  type: info.kind,
  size: info.size,
  mode: info.mode.toString(8).padStart(4, '0'),
  uid: info.uid,
  gid: info.gid,
  modified_at: info.modifiedAt,
  ...(info.target === undefined ? {} : { target: info.target }),
  etag: info.etag,
});

export const FilePage = z
  .object({
    entries: z.array(FileRepresentation),
    next: z.string().nullable().describe('The `after` of the next page; null at the end.'),
  })
  .meta({ id: 'FilePage' });
