import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import { type Inbox, makeInbox } from '../../../support/inbox.ts';

export interface Message {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

/** An endpoint of webhooks, on loopback; closed after the test. */
export interface Receiver {
  readonly url: string;
  readonly host: string;
  readonly inbox: Inbox<Message>;
  /** From now on it answers so; `hang` answers nothing. */
  readonly answer: (status: number | 'hang', headers?: Record<string, string>) => void;
}

const open = new Set<() => Promise<void>>();

afterEach(async () => {
  for (const close of open) await close();
  open.clear();
});

export const startReceiver = async (): Promise<Receiver> => {
  let next: { status: number | 'hang'; headers: Record<string, string> } = { status: 204, headers: {} };
  const inbox = makeInbox<Message>('webhook');
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      if (next.status !== 'hang') response.writeHead(next.status, next.headers).end('thanks');
      inbox.push({ headers: request.headers, text, body: JSON.parse(text) as Message['body'] });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.add(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/hook?tenant=1`,
    host,
    inbox,
    answer: (status, headers = {}) => {
      next = { status, headers };
    },
  };
};
