import { randomBytes } from 'node:crypto';
import type { BytePath } from './byte-path.ts';

/** What a file is called while it is uploaded, beside the one that it will replace. Listings and watches leave it out. */
const PATTERN = /^\.matrx-upload-[0-9a-f]{16}$/;

export const temporaryName = (): BytePath => `.matrx-upload-${randomBytes(8).toString('hex')}` as BytePath;
export const isTemporary = (name: string): boolean => PATTERN.test(name);
