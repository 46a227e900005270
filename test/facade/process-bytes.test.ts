import { beforeEach, describe, expect, it } from '@jest/globals';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { API_KEY, type TestFacade } from './support/facade.ts';

const PATH = '/sandboxes/demo/processes';

let facade: TestFacade;

beforeEach(async () => {
  ({ facade } = await startDaemonFacade());
});

const start = async (body: object): Promise<string> => {
  const answer = await facade.request(PATH, { body });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as { process_id: string }).process_id;
};
const get = (id: string, of: string, method = 'GET'): Promise<Response> =>
  fetch(`${facade.url}${PATH}/${id}/${of}`, { method, headers: { 'X-API-Key': API_KEY } });
const bytes = async (id: string, of: string): Promise<Buffer> => {
  const answer = await get(id, of);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
  return Buffer.from(await answer.arrayBuffer());
};

describe('one stream of a process had to be picked out of events; now it', () => {
  it('comes alone, as bytes, to its end', async () => {
    const id = await start({ command: String.raw`printf '\xff\x00€'; echo wrong >&2; sleep 0.1; printf end` });
    expect(await bytes(id, 'stdout')).toEqual(Buffer.from([0xff, 0, 0xe2, 0x82, 0xac, ...Buffer.from('end')]));
    expect((await bytes(id, 'stderr')).toString()).toBe('wrong\n');
  });

  it('goes on behind the bytes that are there already, whatever the other stream had between', async () => {
    const id = await start({ command: 'for n in 1 2 3; do echo out$n; echo error$n >&2; done' });
    const all = (await bytes(id, 'stdout')).toString();
    expect(all).toBe('out1\nout2\nout3\n');
    for (const offset of [0, 1, 5, 14, 15, 100]) {
      expect((await bytes(id, `stdout?offset=${offset}`)).toString()).toBe(all.slice(offset));
    }
    expect((await bytes(id, 'stderr?offset=7')).toString()).toBe('error2\nerror3\n');
  });

  it('is all that a terminal shows', async () => {
    const id = await start({ argv: ['echo', 'shown'], pty: { cols: 80, rows: 24 } });
    expect((await bytes(id, 'stdout')).toString()).toBe('shown\r\n');
    expect((await bytes(id, 'stderr')).toString()).toBe('');
  });

  it('is what there is where nobody wants to wait, and its head waits for nothing', async () => {
    const id = await start({ command: 'echo here; sleep 600' });
    const first = await get(id, 'stdout');
    expect((await get(id, 'stdout', 'HEAD')).status).toBe(200);
    const reader = (first.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('here\n');
    expect((await bytes(id, 'stdout?follow=false')).toString()).toBe('here\n');
    await reader.cancel();
  });

  it('can be read from the first byte that was not dropped, and from none before', async () => {
    const id = await start({ command: 'head -c 9000000 /dev/zero; echo error >&2; echo end' });
    // Its events say that it has ended, whatever they left out.
    await (await get(id, 'output')).text();
    const refused = await get(id, 'stdout');
    expect(refused.status).toBe(400);
    const { detail } = (await refused.json()) as { detail: string };
    const first = Number(/offset=(\d+)/.exec(detail)?.[1]);
    expect(await bytes(id, `stdout?offset=${first}`)).toHaveLength(9_000_004 - first);
    expect((await bytes(id, 'stdout?offset=8999999')).toString()).toBe('\0end\n');
    expect((await bytes(id, 'stderr')).toString()).toBe('error\n');
  });

  it('is 404 of a process that there is not, and 422 for what is no offset', async () => {
    expect((await get('none', 'stdout')).status).toBe(404);
    expect((await get('none', 'stdout?offset=-1')).status).toBe(422);
  });
});
