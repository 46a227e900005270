/**
 * The kernel holds 16,384 events for the whole process (fs.inotify.max_queued_events); what comes on top it drops, and
 * says so in an event that libuv keeps to itself. So a turn of the event loop that brings half as many is taken for one
 * in which some were lost, for every watch.
 */
const SUSPICIOUS = 8192;

const watches = new Set<() => void>();
let events = 0;
let isCounting = false;

/** One event was read. */
export const countEvent = (): void => {
  events++;
  if (events === SUSPICIOUS) for (const onLost of watches) onLost();
  if (isCounting) return;
  isCounting = true;
  setImmediate(() => {
    isCounting = false;
    events = 0;
  });
};

/** Calls `onLost` whenever events may have been lost, until the returned function is called. */
export const onEventsLost = (onLost: () => void): (() => void) => {
  watches.add(onLost);
  return () => void watches.delete(onLost);
};
