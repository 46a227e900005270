import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeLineSplitter } from '../../../src/kube/json-lines.ts';

/** A watch that goes through the proxy. */
export interface WatchStream {
  /** As the client asked. */
  readonly path: string;
  /** One line, as it is, and its end. */
  readonly send: (line: string) => void;
  /** Bytes without an end. */
  readonly sendPart: (bytes: Uint8Array) => void;
  /** The connection is reset. */
  readonly cut: () => void;
  /** The regular end. */
  readonly end: () => void;
}

/** What becomes of a line that the server has sent: nothing, unless it is sent on. */
export type OnLine = (line: string, stream: WatchStream) => void;

export const passOn: OnLine = (line, stream) => stream.send(line);

export const makeWatchStream = (path: string, client: ServerResponse): WatchStream => {
  // What is held back may be sent when the stream has long ended: it is lost then.
  const write = (bytes: string | Uint8Array): void => {
    if (!client.writableEnded && !client.destroyed) client.write(bytes);
  };
  return {
    path,
    send: (line) => write(`${line}\n`),
    sendPart: write,
    cut: () => client.socket?.resetAndDestroy(),
    end: () => void client.end(),
  };
};

/** Carries a watch from the server to the client, line by line, until one of them ends it. */
export const carryWatch = async (
  answer: IncomingMessage,
  client: ServerResponse,
  stream: WatchStream,
  onLine: OnLine,
  toClient: (text: string) => string,
): Promise<void> => {
  client.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
  client.flushHeaders();
  const splitter = makeLineSplitter();
  client.once('close', () => answer.destroy());
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    for (const line of splitter.push(chunk)) onLine(toClient(line), stream);
  }
  client.end();
  if (!client.closed) await once(client, 'close');
};
