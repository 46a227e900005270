import type { Problem } from '../problem.ts';
import type { OutputEvent } from './output-event.ts';

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const EVENT_STREAM_TYPE = 'text/event-stream';

/** Said first, so that the answer begins before the process has written anything; milliseconds until a browser reconnects. */
export const EVENT_STREAM_START = 'retry: 1000\n\n';

/** JSON has no line break of its own, so the data is always one line. */
export const eventText = (event: OutputEvent): string =>
  event.type === 'keepalive'
    ? ': keepalive\n\n'
    : `id: ${event.cursor}\nevent: ${event.type}\ndata: ${JSON.stringify(event.content)}\n\n`;

/** The last event of a stream that could not go on: what an answer would have said. It has no id, so the cursor stays. */
export const problemText = (problem: Problem): string => `event: problem\ndata: ${JSON.stringify(problem)}\n\n`;
