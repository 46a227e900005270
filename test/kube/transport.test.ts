import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import nock from 'nock';
import { type ClusterAccess, type ClusterCredentials, directAccess } from '../../src/kube/cluster-access.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { PODS } from '../../src/kube/resource-types.ts';
import { makeTokenBucket } from '../../src/base/token-bucket.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';

const POD = { type: PODS, namespace: 'sandboxes', name: 'demo' } as const;
const ANSWER = { metadata: { name: 'demo' } };

describe('transport', () => {
  let server: KubeServer;

  beforeEach(async () => {
    server = await startKubeServer();
  });

  afterEach(() => server.close());

  const accessWith = (read: () => ClusterCredentials | Error): ClusterAccess => ({
    server: server.url,
    namespace: undefined,
    credentials: () => {
      const credentials = read();
      return credentials instanceof Error ? Promise.reject(credentials) : Promise.resolve(credentials);
    },
  });

  it('reads rotated tokens and certificates again, and opens new connections for new certificates only', async () => {
    const clock = makeVirtualClock();
    let token = 'first';
    let [ca = ''] = rootCertificates;
    const access = accessWith(() => ({ headers: { Authorization: `Bearer ${token}` }, tls: { ca } }));
    const client = makeKubeClient({ access, clock });
    const tokenSeen = async (): Promise<string | undefined> => {
      const call = client.get(POD);
      const request = await server.take();
      request.json(200, ANSWER);
      await call;
      return request.headers.authorization;
    };
    expect(await tokenSeen()).toBe('Bearer first');
    token = 'second';
    expect(await tokenSeen()).toBe('Bearer first');
    await clock.advance(10_001);
    expect(await tokenSeen()).toBe('Bearer second');
    const before = server.accepted();
    ca = rootCertificates[1] ?? '';
    await clock.advance(10_001);
    await tokenSeen();
    expect(server.accepted()).toBe(before + 1);
    await client.close();
  });

  it('reads the token again after a 401', async () => {
    let token = 'expired';
    const client = makeKubeClient({ access: accessWith(() => ({ headers: { Authorization: token }, tls: {} })) });
    const refused = client.get(POD);
    (await server.take()).status(401, 'Unauthorized');
    await expect(refused).rejects.toMatchObject({ reason: 'Unauthorized' });
    token = 'fresh';
    const accepted = client.get(POD);
    const request = await server.take();
    request.json(200, ANSWER);
    await accepted;
    expect(request.headers.authorization).toBe('fresh');
    await client.close();
  });

  it('says so when the credentials cannot be read, and reads them anew for the next call', async () => {
    let broken = true;
    const client = makeKubeClient({
      access: accessWith(() => (broken ? new Error('ENOENT: token') : { headers: {}, tls: {} })),
    });
    await expect(client.get(POD)).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('ENOENT: token'),
    });
    broken = false;
    const call = client.get(POD);
    (await server.take()).json(200, ANSWER);
    await call;
    await client.close();
  });

  it('sends nothing that writes once the process may not, and asks when the request has had its turn', async () => {
    const clock = makeVirtualClock();
    const admit = makeTokenBucket({ perSecond: 1, burst: 1 }, clock);
    let leads = true;
    const client = makeKubeClient({ access: directAccess(server.url), clock, admit, mayWrite: () => leads });
    server.answer((exchange) => exchange.json(200, ANSWER));
    await client.mergePatch(POD, {});
    const late = expect(client.mergePatch(POD, {})).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('it does not lead'),
    });
    const read = client.get(POD);
    leads = false;
    await clock.advance(2000);
    await late;
    await read;
    await client.close();
  });

  it('sends nothing that has waited for a connection while the process stopped leading', async () => {
    let leads = true;
    const client = makeKubeClient({ access: directAccess(server.url), callConnections: 1, mayWrite: () => leads });
    const first = client.mergePatch(POD, { first: true });
    const held = await server.take();
    const waiting = expect(client.mergePatch(POD, { second: true })).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('it does not lead'),
    });
    // By then it is in undici's hands, whose one connection is taken.
    await setImmediate();
    leads = false;
    held.json(200, ANSWER);
    await first;
    await waiting;
    const read = client.get(POD);
    const next = await server.take();
    expect(next.method).toBe('GET');
    next.json(200, ANSWER);
    await read;
    await client.close();
  });

  it('waits for its turn where requests are limited', async () => {
    const clock = makeVirtualClock();
    const admit = makeTokenBucket({ perSecond: 10, burst: 2 }, clock);
    const client = makeKubeClient({ access: directAccess(server.url), clock, admit });
    server.answer((exchange) => exchange.json(200, ANSWER));
    const done: number[] = [];
    const calls = Array.from({ length: 4 }, async () => {
      await client.get(POD);
      done.push(clock.monotonic());
    });
    await Promise.all(calls.slice(0, 2));
    await clock.advance(100);
    await calls[2];
    await clock.advance(100);
    await calls[3];
    expect(done).toEqual([0, 0, 100, 200]);
    await client.close();
  });

  it('takes plain http on loopback only', () => {
    expect(() => directAccess('http://10.0.0.1:8080')).toThrow('use https');
    expect(directAccess('http://localhost:8080').server).toBe('http://localhost:8080');
  });
});

describe('token bucket', () => {
  it('gives the place back when a caller leaves the queue', async () => {
    const clock = makeVirtualClock();
    const admit = makeTokenBucket({ perSecond: 1, burst: 1 }, clock);
    await admit();
    const leaving = new AbortController();
    const left = expect(admit(leaving.signal)).rejects.toThrow('left');
    leaving.abort(new Error('left'));
    await left;
    const next = admit();
    expect(clock.pending()).toEqual([1000]);
    await clock.advance(1000);
    await next;
  });
});

describe('nock', () => {
  afterEach(() => {
    nock.cleanAll();
    nock.restore();
  });

  it('intercepts the client’s own connections, over https too', async () => {
    nock.disableNetConnect();
    const scope = nock('https://kube.example:6443', { reqheaders: { authorization: 'Bearer t' } })
      .get('/api/v1/namespaces/sandboxes/pods/demo')
      .reply(200, ANSWER);
    const access = directAccess('https://kube.example:6443', { headers: { Authorization: 'Bearer t' } });
    const client = makeKubeClient({ access });
    expect(await client.get(POD)).toEqual(ANSWER);
    scope.done();
    await expect(client.get({ ...POD, name: 'other' })).rejects.toThrow(KubeError);
    await client.close();
  });
});
