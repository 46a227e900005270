import { incompleteTail } from '../processes/whole-characters.ts';

/** The first `limit` bytes of a stream; what comes behind is counted and dropped. */
export interface OutputCollector {
  readonly add: (bytes: Buffer) => void;
  /** Never ends within a character that was cut. */
  readonly text: () => string;
  readonly truncated: () => boolean;
}

export const makeOutputCollector = (limit: number): OutputCollector => {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  return {
    add: (bytes) => {
      const taken = bytes.subarray(0, limit - kept);
      if (taken.length < bytes.length) truncated = true;
      if (taken.length === 0) return;
      kept += taken.length;
      chunks.push(taken);
    },
    text: () => {
      const all = Buffer.concat(chunks);
      return all.toString('utf8', 0, truncated ? all.length - incompleteTail(all) : all.length);
    },
    truncated: () => truncated,
  };
};
