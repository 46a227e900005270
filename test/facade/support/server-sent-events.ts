import type { StreamEvent } from './event-stream.ts';

/** A parser of text/event-stream, by the words of its standard: feed it text as it comes. */
export const createParser = (): ((text: string) => readonly StreamEvent[]) => {
  let rest = '';
  let lastId = '';
  return (text) => {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const fields = block.split('\n').map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')] as const;
      });
      lastId = fields.find(([name]) => name === 'id')?.[1] ?? lastId;
      const data = fields.find(([name]) => name === 'data')?.[1];
      if (data === undefined) return [];
      const event = fields.find(([name]) => name === 'event')?.[1] ?? 'message';
      return [{ id: lastId, event, data: JSON.parse(data) as StreamEvent['data'] }];
    });
  };
};
