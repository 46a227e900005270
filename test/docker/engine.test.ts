import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine, DockerError, progressLines, splitName, type DockerEngine } from '../../src/docker/engine.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

let folder: string;
let server: Server;
let engine: DockerEngine;
let requests: { readonly method: string; readonly url: URL; readonly bytes: number }[];
let answer: (request: IncomingMessage) => Answer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-engine-'));
  requests = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { length } = await buffer(request);
    requests.push({ method: request.method ?? '', url: new URL(request.url ?? '', 'http://engine'), bytes: length });
    const { status, body } = answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };
  server = createServer((request, response) => void respond(request, response));
  const socket = join(folder, 'engine.sock');
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  engine = connectEngine({ socket });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await rm(folder, { recursive: true, force: true });
});

const stream = (...messages: readonly object[]): Answer => ({
  status: 200,
  body: messages.map((message) => `${JSON.stringify(message)}\r\n`).join(''),
});
const REQUEST = {
  tag: 'matrx-sandbox/product:1',
  files: [{ name: 'Dockerfile', source: { text: 'FROM scratch' } }],
  buildArgs: { BASE: 'debian:12-slim' },
  labels: {},
};

describe('a build', () => {
  it('sends the context and reports the lines of the engine', async () => {
    answer = () =>
      stream({ stream: 'Step 1/2 : FROM scratch\n' }, { stream: '\n' }, { stream: 'Successfully built 1\n' });
    const lines: string[] = [];
    await engine.build(REQUEST, (line) => lines.push(line));
    expect(lines).toEqual(['Step 1/2 : FROM scratch', 'Successfully built 1']);
    const [request] = requests;
    expect(request?.url.pathname).toBe('/build');
    expect(Object.fromEntries(request?.url.searchParams ?? [])).toMatchObject({
      t: REQUEST.tag,
      networkmode: 'host',
      buildargs: '{"BASE":"debian:12-slim"}',
    });
    expect(request?.bytes).toBeGreaterThanOrEqual(1024);
    expect(request?.url.searchParams.get('target')).toBeNull();
  });

  it('can end at a stage of the Dockerfile', async () => {
    answer = () => stream({ stream: 'Successfully built 1\n' });
    await engine.build({ ...REQUEST, target: 'core' }, () => {});
    expect(requests[0]?.url.searchParams.get('target')).toBe('core');
  });

  it('that fails in the middle of a stream that began with 200 is an error', async () => {
    answer = () => stream({ stream: 'Step 1/2' }, { error: 'The command returned a non-zero code: 100' });
    const failure: unknown = await engine.build(REQUEST, () => {}).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DockerError);
    expect(failure).toMatchObject({
      message: 'building matrx-sandbox/product:1 failed',
      cause: expect.objectContaining({ message: expect.stringContaining('non-zero code: 100') }),
    });
  });

  it('that the engine refuses is an error', async () => {
    answer = () => ({ status: 500, body: '{"message":"no space left on device"}' });
    await expect(engine.build(REQUEST, () => {})).rejects.toThrow('building matrx-sandbox/product:1 failed');
  });
});

describe('an image', () => {
  it('is there or not', async () => {
    answer = () => ({ status: 200, body: '{"Id":"1","Size":0}' });
    expect(await engine.hasImage('a:1')).toBe(true);
    answer = () => ({ status: 404, body: '{"message":"No such image"}' });
    expect(await engine.hasImage('a:1')).toBe(false);
    answer = () => ({ status: 500, body: '{"message":"broken"}' });
    await expect(engine.hasImage('a:1')).rejects.toThrow('looking for image a:1 failed');
  });

  it('has a size, when it is there', async () => {
    answer = () => ({ status: 200, body: '{"Id":"1","Size":1500000}' });
    expect(await engine.sizeOf('a:1')).toBe(1_500_000);
    answer = () => ({ status: 404, body: '{"message":"No such image"}' });
    expect(await engine.sizeOf('a:1')).toBeUndefined();
  });

  it('gets a second name', async () => {
    answer = () => ({ status: 201, body: '' });
    await engine.tag('a/b:1', 'host:5000/team/b:2');
    const [request] = requests;
    expect(request?.url.pathname).toBe('/images/a/b:1/tag');
    expect(Object.fromEntries(request?.url.searchParams ?? [])).toEqual({ repo: 'host:5000/team/b', tag: '2' });
    answer = () => ({ status: 404, body: '{"message":"No such image"}' });
    await expect(engine.tag('a/b:1', 'c:1')).rejects.toThrow('tagging a/b:1 as c:1 failed');
  });

  it('is listed by its own repository alone', async () => {
    answer = () => ({ status: 200, body: JSON.stringify([{ RepoTags: ['a/b:1', 'a/b-c:1'] }, { RepoTags: null }]) });
    expect(await engine.tagsOf('a/b')).toEqual(['a/b:1']);
  });
});

it('an engine that does not answer is an error that says so', async () => {
  const nobody = connectEngine({ socket: join(folder, 'nobody.sock') });
  await expect(nobody.ping()).rejects.toThrow('asking the Docker Engine failed');
});

it.each([
  ['a/b:c', ['a/b', 'c']],
  ['a/b', ['a/b', 'latest']],
  ['host:5000/a', ['host:5000/a', 'latest']],
  ['host:5000/a:b', ['host:5000/a', 'b']],
])('the name %s is %j', (name, parts) => {
  expect(splitName(name)).toEqual(parts);
});

it('a progress message is a line, several, or none', () => {
  expect(progressLines({ id: 'f03', status: 'Downloading', progress: '[=>  ]' })).toEqual(['f03 Downloading [=>  ]']);
  expect(progressLines({ stream: 'Unpacking a\r\nUnpacking b\n' })).toEqual(['Unpacking a', 'Unpacking b']);
  expect(progressLines({ stream: '\n' })).toEqual([]);
});
