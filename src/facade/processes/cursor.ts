/** The kinds of bytes that a process writes. */
export const OUTPUT_STREAMS = ['stdout', 'stderr', 'pty'] as const;
export type OutputStream = (typeof OUTPUT_STREAMS)[number];

/**
 * Where a reader of a process's output is: all bytes before `offset` have been handed to it but those in `held`, the
 * beginnings of characters whose rest had not come yet. They are part of the cursor because the output goes on without
 * waiting for that rest: stderr may come between the two halves of a character of stdout.
 */
export interface Cursor {
  readonly offset: number;
  readonly held: Readonly<Partial<Record<OutputStream, Buffer>>>;
}

const LETTERS: Readonly<Record<OutputStream, string>> = { stdout: 'o', stderr: 'e', pty: 'p' };
/** `120`, or `120.oe282`: three bytes of a character at most are held, and those two have been. */
const CURSOR = /^(\d{1,15})((?:\.[oep](?:[0-9a-f]{2}){1,3}){0,3})$/;
export const CURSOR_PATTERN = CURSOR;

export const startOfOutput: Cursor = { offset: 0, held: {} };

export const formatCursor = ({ offset, held }: Cursor): string =>
  [
    String(offset),
    ...OUTPUT_STREAMS.flatMap((stream) => {
      const bytes = held[stream];
      return bytes === undefined || bytes.length === 0 ? [] : [`${LETTERS[stream]}${bytes.toString('hex')}`];
    }),
  ].join('.');

/** Undefined for what is no cursor. */
export const parseCursor = (text: string): Cursor | undefined => {
  const [, offset, rest = ''] = CURSOR.exec(text) ?? [];
  if (offset === undefined) return undefined;
  const held: Partial<Record<OutputStream, Buffer>> = {};
  for (const part of rest.split('.').filter(Boolean)) {
    const stream = OUTPUT_STREAMS.find((candidate) => LETTERS[candidate] === part[0]);
    if (stream !== undefined) held[stream] = Buffer.from(part.slice(1), 'hex');
  }
  return { offset: Number(offset), held };
};
