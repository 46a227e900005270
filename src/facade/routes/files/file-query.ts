import { z } from 'zod';
import { DEFAULT_PAGE_ENTRIES, MAX_PAGE_ENTRIES } from '../../../sandboxd/protocol/files.ts';
import { ENCODED_PATH } from '../../files/encoded-path.ts';

export const Flag = z.stringbool();
export const Mode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'mode must be octal permission bits, such as 0644')
  .optional()
  .describe('Permission bits in octal, such as 0644.');

const Archive = z.literal('tar').optional();

export const ReadQuery = z.object({
  archive: Archive.describe('A directory as a tar stream. The same as `Accept: application/x-tar`.'),
  download: Flag.default(false).describe('Whether a browser should save it instead of showing it.'),
  depth: z.coerce.number().int().min(1).max(1000).default(1).describe('Of a directory: how deep to list it.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE_ENTRIES)
    .default(DEFAULT_PAGE_ENTRIES)
    .describe('Of a directory: how many entries a page has at most.'),
  after: z
    .string()
    .regex(ENCODED_PATH, 'after must be the `next` of a page')
    .optional()
    .describe('Of a directory: the `next` of the page before.'),
});

export const WriteQuery = z.object({
  archive: Archive.describe('Unpacks the body, a tar stream, into the directory.'),
  mode: Mode,
  parents: Flag.default(true).describe('Whether the directories above it are made where they are missing.'),
});

export const RemoveQuery = z.object({
  recursive: Flag.default(false).describe('Whether a directory may go with all that is in it.'),
});
