const WAIT_MS = 60_000;

/** Waits, one turn of the event loop after another, until real I/O has brought about what `holds` asks for; a minute at most. */
export const eventually = async (holds: () => boolean): Promise<void> => {
  const deadline = performance.now() + WAIT_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`did not come true within ${WAIT_MS} ms: ${holds.toString()}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
};
