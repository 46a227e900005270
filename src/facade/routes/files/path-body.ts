import { z } from 'zod';
import { asEncodedPath, ENCODED_PATH, encodePath, type EncodedPath } from '../../files/encoded-path.ts';
import { problemError } from '../../problem.ts';

/** A path in a body: absolute, or relative to the home. */
export const PathText = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\0]*$/, 'a path cannot hold a NUL')
  .optional()
  .describe('Absolute, or relative to the home.');

export const EncodedPathText = z
  .string()
  .max(12_288)
  .regex(ENCODED_PATH, 'must be a path with its bytes percent-encoded')
  .optional()
  .describe('In its place, for a path that is no UTF-8: its bytes, percent-encoded.');

/** Throws 400 unless it is exactly one of the two. */
export const pathOf = (name: string, text: string | undefined, encoded: string | undefined): EncodedPath => {
  if ((text === undefined) === (encoded === undefined)) {
    const both = name === 'path' ? 'encoded_path' : `${name}_encoded`;
    throw problemError('bad-request', `Give one of ${name} and ${both}`);
  }
  return text === undefined ? asEncodedPath(encoded ?? '') : encodePath(text);
};
