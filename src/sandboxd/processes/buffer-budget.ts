/** Memory that the output buffers of all processes share, in bytes. What each is granted anyway does not count. */
export interface BufferBudget {
  /** False, and nothing is taken, where so much is not left. */
  readonly take: (bytes: number) => boolean;
  readonly give: (bytes: number) => void;
}

export const makeBufferBudget = (limit: number): BufferBudget => {
  let used = 0;
  return {
    take: (bytes) => {
      if (used + bytes > limit) return false;
      used += bytes;
      return true;
    },
    give: (bytes) => {
      used -= bytes;
    },
  };
};
