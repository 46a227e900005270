import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemRandom } from '../../src/base/random.ts';
import { type ParseError, refuseUnread } from '../../src/facade/refuse-unread.ts';
import { startFacade, type TestFacade } from './support/facade.ts';

describe('a request that cannot be read', () => {
  let facade: TestFacade;
  beforeEach(async () => {
    facade = await startFacade();
  });
  afterEach(() => facade.stop());

  /** All that the server says to these bytes until it ends the connection. */
  const answerTo = async (sent: string): Promise<{ head: string; body: string }> => {
    const client = connect(Number(new URL(facade.url).port), '127.0.0.1');
    client.write(sent);
    const [head = '', body = ''] = (await text(client)).split('\r\n\r\n');
    return { head, body };
  };

  it('is told the limit when its URL and headers are too large', async () => {
    const { head, body } = await answerTo(`GET /health?x=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(head).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(head).toMatch(/\r\nContent-Type: application\/problem\+json\r\n/);
    expect(head).toMatch(/\r\nX-Request-Id: [0-9a-f]{32}\r\n/);
    expect(JSON.parse(body)).toEqual({
      type: 'tag:matrx.dev,2026:headers-too-large',
      title: 'The URL and headers of the request are too large',
      status: 431,
      detail:
        'The URL and the headers together may have 16384 bytes: shorten them, or send in the body what can be sent there',
    });
  });

  it('is told what is wrong when it is no HTTP', async () => {
    const { head, body } = await answerTo('HELO example.org\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(JSON.parse(body)).toMatchObject({
      type: 'tag:matrx.dev,2026:bad-request',
      detail: expect.stringMatching(/^This is no HTTP request: \w/),
    });
  });
});

describe('refuseUnread', () => {
  const failed = (code: string): ParseError => Object.assign(new Error(code), { code });

  it.each([
    ['ERR_HTTP_REQUEST_TIMEOUT', 408, 'request-timeout'],
    ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413, 'body-too-large'],
    ['HPE_INVALID_METHOD', 400, 'bad-request'],
  ])('answers %s with %i', async (code, status, kind) => {
    const socket = new PassThrough();
    refuseUnread(failed(code), socket, false, systemRandom);
    const answer = await text(socket);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain(`tag:matrx.dev,2026:${kind}`);
  });

  it.each([
    ['ECONNRESET', false],
    ['HPE_INVALID_METHOD', true],
  ])('ends the connection without a word (%s, answer begun: %s)', async (code, answerHasBegun) => {
    const said: unknown[] = [];
    const socket = new Duplex({
      read: () => undefined,
      write: (chunk, _encoding, done) => {
        said.push(chunk);
        done();
      },
    });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close').catch(() => undefined);
    refuseUnread(failed(code), socket, answerHasBegun, systemRandom);
    await closed;
    expect(socket.destroyed).toBe(true);
    expect(said).toEqual([]);
  });
});
