import { z } from 'zod';
import type { FieldShape } from './route.ts';

/** What several routes read or send, described once. */
export const PREFER: Readonly<Record<string, FieldShape>> = {
  Prefer: {
    description:
      '`wait=20`: answer after so many seconds at the latest (at most 600). `respond-async`: answer 202 at once (RFC 7240).',
    schema: z.string().meta({ examples: ['wait=20', 'respond-async'] }),
  },
};

export const IF_MATCH: Readonly<Record<string, FieldShape>> = {
  'If-Match': {
    description: 'An `ETag`: do it only if nobody has changed the sandbox since (412 otherwise).',
    schema: z.string().meta({ examples: ['"Jf8Vh0jFVJ1v0bq0R9VKMg"'] }),
  },
};

export const ETAG: Readonly<Record<string, FieldShape>> = {
  ETag: { description: 'The version of what people can change of it, for `If-Match`.' },
};

export const LOCATION: Readonly<Record<string, FieldShape>> = {
  Location: { description: 'The path of the sandbox.' },
};
