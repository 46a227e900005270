import { request as httpRequest } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { aSandbox } from '../support/resources.ts';
import { API_KEY, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
});

const NO_KEY = { 'X-API-Key': null };

describe('authentication', () => {
  it('answers 401 without a key [A1.1]', async () => {
    const { status, body, headers } = await facade.request('/sandboxes', { headers: NO_KEY });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="matrx-sandbox"');
    expect(body).toEqual({
      type: 'tag:matrx.dev,2026:missing-api-key',
      title: 'An API key is required',
      status: 401,
      detail: 'Missing API key. Send it in the X-API-Key header or as Authorization: Bearer <key>.',
    });
  });

  it.each([
    ['another key', { 'X-API-Key': 'wrong' }],
    ['a prefix of the key', { 'X-API-Key': API_KEY.slice(0, -1) }],
    ['another bearer token', { ...NO_KEY, Authorization: 'Bearer wrong' }],
    ['a wrong key beside a right token', { 'X-API-Key': 'wrong', Authorization: `Bearer ${API_KEY}` }],
  ])('answers 403 to %s [A1.1]', async (_what, headers) => {
    expect(await facade.request('/sandboxes', { headers })).toMatchObject({
      status: 403,
      body: { detail: 'Invalid API key.' },
    });
  });

  it.each([
    ['X-API-Key', { 'X-API-Key': API_KEY }],
    ['a bearer token', { ...NO_KEY, Authorization: `Bearer ${API_KEY}` }],
    ['a bearer token in any case', { ...NO_KEY, Authorization: `bearer  ${API_KEY}` }],
  ])('takes the key as %s [A1.1]', async (_what, headers) => {
    expect((await facade.request('/sandboxes', { headers })).status).toBe(200);
  });

  it.each([{ Authorization: `Basic ${API_KEY}` }, { Authorization: 'Bearer ' }, { Authorization: API_KEY }])(
    'answers 401 to %j, which is no key',
    async (headers) => {
      expect((await facade.request('/sandboxes', { headers: { ...NO_KEY, ...headers } })).status).toBe(401);
    },
  );

  it.each([
    ['/', 200],
    ['/health', 200],
    ['/docs', 200],
    ['/openapi.json', 200],
    ['/redoc', 200],
    ['/nothing', 401],
    ['/health/', 401],
  ])('leaves %s open or not [A1.1]', async (path, status) => {
    expect((await facade.request(path, { headers: NO_KEY })).status).toBe(status);
  });

  it('logs a refusal, without the key [A1.1]', async () => {
    await facade.request('/sandboxes', { headers: NO_KEY });
    expect(await facade.untilLogged(({ msg }) => msg === 'request without an API key')).toMatchObject({
      path: '/sandboxes',
      client_ip: '127.0.0.1',
    });
    await facade.request('/sandboxes', { headers: { 'X-API-Key': 'wrong-key' } });
    expect(await facade.untilLogged(({ msg }) => msg === 'request with a wrong API key')).toMatchObject({
      path: '/sandboxes',
      client_ip: '127.0.0.1',
    });
    expect(JSON.stringify(facade.logged())).not.toContain('wrong-key');
  });

  it('takes the key from another header where it is configured so [A1.1]', async () => {
    const other = await startFacade({ apiKeyHeader: 'x-matrx-key' });
    expect((await other.request('/sandboxes')).status).toBe(401);
    expect((await other.request('/sandboxes', { headers: { 'X-Matrx-Key': API_KEY } })).status).toBe(200);
  });

  it('asks nobody when it is off', async () => {
    const open = await startFacade({}, undefined, { authenticator: undefined });
    expect((await open.request('/sandboxes', { headers: NO_KEY })).status).toBe(200);
  });
});

describe('a request', () => {
  it('gets its own id back, or a new one', async () => {
    const { headers } = await facade.request('/', { headers: { 'X-Request-Id': 'job-7:a' } });
    expect(headers.get('x-request-id')).toBe('job-7:a');
    for (const given of ['with space', 'x'.repeat(200), '"quoted"']) {
      const answer = await facade.request('/', { headers: { 'X-Request-Id': given } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it.each([
    ['one that is answered', '/health', API_KEY, 200],
    ['one that is refused', '/sandboxes', 'wrong', 403],
    ['one of nothing', '/nothing?secret=1', API_KEY, 404],
  ])(
    'is one line of the log, also where authentication refuses it: %s [A1.15] [T14]',
    async (_what, path, key, status) => {
      await facade.request(path, { headers: { 'X-Request-Id': 'r-1', 'X-API-Key': key } });
      const line = await facade.untilLogged(({ msg }) => msg === 'request');
      expect(line).toMatchObject({
        level: 30,
        method: 'GET',
        path: path.split('?')[0],
        status,
        duration_ms: expect.any(Number),
        client_ip: expect.any(String),
        request_id: 'r-1',
      });
      expect(JSON.stringify(line)).not.toContain('secret');
    },
  );

  it.each([
    ['PUT', '/sandboxes', 'HEAD, GET, POST'],
    ['POST', '/health', 'HEAD, GET'],
    ['PUT', '/sandboxes/demo', 'HEAD, GET, PATCH, DELETE'],
  ])('with a method that is not possible gets 405: %s %s', async (method, path, allow) => {
    const { status, headers, body } = await facade.request(path, { method });
    expect(status).toBe(405);
    const allowed = (headers.get('allow') ?? '').split(', ');
    expect(allowed.toSorted()).toEqual(allow.split(', ').toSorted());
    expect(body).toMatchObject({ status: 405, detail: `${method} is not possible at ${path}` });
  });

  it('with HEAD gets no body', async () => {
    expect(await facade.request('/health', { method: 'HEAD' })).toMatchObject({ status: 200, body: undefined });
  });
});

describe('a body', () => {
  const post = (body: unknown, headers: Record<string, string | null> = {}) =>
    facade.request('/sandboxes', { method: 'POST', body, headers });

  it.each([
    ['no JSON', '{"user_id": ', 'json_invalid', ['body']],
    ['JSON that ends in the middle', '{"user_id": "ann"', 'json_invalid', ['body']],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'json_invalid', ['body']],
    ['JSON nested too deeply', '['.repeat(70) + ']'.repeat(70), 'json_invalid', ['body']],
    [
      'a config nested too deeply',
      `{"user_id":"a","config":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`,
      'json_invalid',
      ['body'],
    ],
    ['a list', '[]', 'dict_type', ['body']],
    ['null', 'null', 'dict_type', ['body']],
    ['nothing at all', undefined, 'missing', ['body']],
    ['no user', '{}', 'missing', ['body', 'user_id']],
    ['a user that is a number', '{"user_id": 7}', 'string_type', ['body', 'user_id']],
    ['an empty user', '{"user_id": ""}', 'string_too_short', ['body', 'user_id']],
    ['a user with other letters', '{"user_id": "a/b"}', 'string_pattern_mismatch', ['body', 'user_id']],
    ['a user that is too long', JSON.stringify({ user_id: 'a'.repeat(256) }), 'string_too_long', ['body', 'user_id']],
    ['a config that is a list', '{"user_id": "a", "config": []}', 'dict_type', ['body', 'config']],
    ['an unknown field', '{"user_id": "a", "ttl": 5}', 'extra_forbidden', ['body', 'ttl']],
    [
      'an unknown field within',
      '{"user_id": "a", "workspace": {"x": 1}}',
      'extra_forbidden',
      ['body', 'workspace', 'x'],
    ],
    [
      'a workspace name with a capital',
      '{"user_id": "a", "workspace": {"name": "A"}}',
      'string_pattern_mismatch',
      ['body', 'workspace', 'name'],
    ],
    [
      'ephemeral that is a string',
      '{"user_id": "a", "workspace": {"ephemeral": "yes"}}',
      'bool_type',
      ['body', 'workspace', 'ephemeral'],
    ],
    [
      'an env name with a space',
      '{"user_id": "a", "env": [{"name": "A B"}]}',
      'string_pattern_mismatch',
      ['body', 'env', 0, 'name'],
    ],
    [
      'an unknown resource',
      '{"user_id": "a", "resources": {"limits": {"gpu": 1}}}',
      'extra_forbidden',
      ['body', 'resources', 'limits', 'gpu'],
    ],
    [
      'a template that is no name',
      '{"user_id": "a", "template": "A_b"}',
      'string_pattern_mismatch',
      ['body', 'template'],
    ],
    ['an image with white space', '{"user_id": "a", "image": "a b"}', 'string_pattern_mismatch', ['body', 'image']],
  ])('that is %s gets 422 that names the place', async (_what, body, type, loc) => {
    const { status, headers, body: answer } = await post(body);
    expect(status).toBe(422);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(answer).toMatchObject({ type: 'tag:matrx.dev,2026:invalid-input', status: 422 });
    const [first] = (answer as { detail: unknown[] }).detail;
    expect(first).toMatchObject({ type, loc, msg: expect.any(String) });
    expect(first).toHaveProperty('input');
    expect(facade.cluster.calls).toEqual([]);
  });

  it('with several mistakes hears of all of them', async () => {
    const { body } = await post({ user_id: '', image: '', nonsense: true });
    const { detail } = body as { detail: { loc: unknown[] }[] };
    expect(detail.map(({ loc }) => loc[1])).toEqual(expect.arrayContaining(['image', 'nonsense', 'user_id']));
  });

  it.each([
    ['no type', null],
    ['a form', 'application/x-www-form-urlencoded'],
    ['text', 'text/plain; charset=utf-8'],
  ])('that is said to be %s gets 415', async (_what, type) => {
    const body = new TextEncoder().encode('{"user_id":"ann"}');
    expect((await post(body, { 'Content-Type': type })).status).toBe(415);
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json'])(
    'is taken as %s',
    async (type) => {
      expect((await post({}, { 'Content-Type': type })).status).toBe(422);
    },
  );

  it('that is compressed gets 415', async () => {
    expect((await post('{}', { 'Content-Encoding': 'gzip' })).status).toBe(415);
  });

  it('that is too large gets 413, whether it says so or not', async () => {
    const large = JSON.stringify({ user_id: 'a', config: { x: 'x'.repeat(70_000) } });
    expect((await post(large)).status).toBe(413);
    const answered = Promise.withResolvers<number | undefined>();
    const chunked = httpRequest(`${facade.url}/sandboxes`, {
      method: 'POST',
      headers: { 'X-API-Key': API_KEY, 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' },
    });
    chunked.once('response', (response) => {
      response.resume();
      answered.resolve(response.statusCode);
    });
    chunked.end(large);
    expect(await answered.promise).toBe(413);
  });
});

describe('an unexpected failure', () => {
  it('is answered 500 without its inside, which is in the log with the request id', async () => {
    facade.cluster.fail('get', new Error('the database password is hunter2'));
    const { status, body } = await facade.request('/sandboxes/none', { headers: { 'X-Request-Id': 'r-9' } });
    expect(status).toBe(500);
    expect(body).toEqual({
      type: 'tag:matrx.dev,2026:internal-error',
      title: 'Internal server error',
      status: 500,
      detail: 'Internal Server Error',
    });
    expect(await facade.untilLogged(({ level }) => level === 50)).toMatchObject({
      request_id: 'r-9',
      err: { message: 'the database password is hunter2' },
    });
  });
});

describe('GET / and GET /health', () => {
  it('say what this is', async () => {
    expect((await facade.request('/')).body).toEqual({
      service: 'matrx-sandbox-orchestrator',
      version: '0.1.0',
      docs: '/docs',
    });
  });

  it('count the active sandboxes and the seconds since the start', async () => {
    facade.cluster.add(aSandbox('a').status(ready('a')).build());
    facade.cluster.add(
      aSandbox('b')
        .status(ready('b', { lastHeartbeatTime: '2026-01-02T03:04:05Z' }))
        .build(),
    );
    facade.cluster.add(
      aSandbox('c')
        .status(notReady('CreatingPod', 'x', { podName: 'c' }))
        .build(),
    );
    facade.cluster.add(aSandbox('d').wanted('Stopped').status(stopped(true)).build());
    facade.cluster.add(aSandbox('e').build());
    await facade.clock.advance(61_250);
    expect((await facade.request('/health')).body).toEqual({
      status: 'healthy',
      active_sandboxes: 3,
      uptime_seconds: 61.3,
    });
  });
});
