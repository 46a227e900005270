/** `text` in at most `length` characters, the last of which says that there was more. */
export const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
