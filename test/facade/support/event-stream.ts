import { createParser } from './server-sent-events.ts';

export interface StreamEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The events of an answer, as they come. */
export async function* eventsOf(answer: Response): AsyncGenerator<StreamEvent> {
  const parse = createParser();
  const decoder = new TextDecoder();
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    yield* parse(decoder.decode(chunk, { stream: true }));
  }
}

export const allEvents = async (answer: Response): Promise<readonly StreamEvent[]> => {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(answer)) events.push(event);
  return events;
};

/** The bytes of a stream (`stdout`), put together from its events. */
export const bytesOf = (events: readonly StreamEvent[], name: string): Buffer =>
  Buffer.concat(
    events
      .filter(({ event }) => event === name)
      .map(({ data }) => Buffer.from(String(data['data']), (data['encoding'] as 'base64' | undefined) ?? 'utf8')),
  );
