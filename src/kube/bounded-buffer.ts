/** Keeps the first `maxBytes` of what is written and counts the rest away. */
export const makeBoundedBuffer = (
  maxBytes: number,
): { readonly write: (chunk: Buffer) => void; readonly content: () => Buffer; readonly truncated: () => boolean } => {
  const chunks: Buffer[] = [];
  let size = 0;
  let truncated = false;
  return {
    write: (chunk) => {
      const kept = chunk.subarray(0, maxBytes - size);
      if (kept.length < chunk.length) truncated = true;
      if (kept.length === 0) return;
      chunks.push(kept);
      size += kept.length;
    },
    content: () => Buffer.concat(chunks),
    truncated: () => truncated,
  };
};
