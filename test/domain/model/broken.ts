/** A promise that was broken: whatever history led there, the test fails with it. */
export class Broken extends Error {}

/** Throws `Broken` with the sentence, and what it is about, unless `holds`. */
export const must = (holds: boolean, sentence: string, about?: unknown): void => {
  if (!holds) throw new Broken(about === undefined ? sentence : `${sentence}: ${JSON.stringify(about)}`);
};
