import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MAX_ENDPOINTS, parseEndpoints } from '../../../src/facade/webhooks/endpoint.ts';
import { WEBHOOK_EVENTS } from '../../../src/facade/webhooks/life-events.ts';
import { signatureHeaders, signingKey } from '../../../src/facade/webhooks/signature.ts';

const run = promisify(execFile);
const DOCUMENT = new URL('../../../docs/webhooks.md', import.meta.url);
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-webhooks-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The code block below `<!-- test: <name> -->`. */
const example = async (name: string): Promise<string> => {
  const text = await readFile(DOCUMENT, 'utf8');
  const block = text
    .split(`<!-- test: ${name} -->`)[1]
    ?.split(/^```\w*\n/m)[1]
    ?.split('\n```')[0];
  if (block === undefined) throw new Error(`docs/webhooks.md has no example ${name}`);
  return block;
};

/** What a receiver reads, `secondsAgo` and with what the test spoils. */
const message = (secondsAgo = 0, spoil: Readonly<Record<string, string>> = {}, secret = SECRET) => {
  const body = '{"type":"sandbox.ready","data":{"name":"caf\u00e9"}}';
  const timestamp = Math.floor(Date.now() / 1000) - secondsAgo;
  const key = signingKey(secret) ?? new Uint8Array();
  return { headers: { ...signatureHeaders({ id: 'msg_1', timestamp, body }, [key]), ...spoil }, body };
};

const RECEIVERS: Readonly<Record<string, (code: string, given: object) => Promise<string>>> = {
  'verify.mjs': async (code, given) => {
    const program = `${code}
      const { secret, headers, body } = JSON.parse(process.argv[2]);
      try { console.log(verify(secret, headers, body).type); } catch (error) { console.log(error.message); }`;
    await writeFile(join(folder, 'verify.mjs'), program);
    return (await run(process.execPath, [join(folder, 'verify.mjs'), JSON.stringify(given)])).stdout.trim();
  },
  'verify.py': async (code, given) => {
    const program = `${code}
import sys
given = json.loads(sys.argv[1])
try:
    print(verify(given["secret"], given["headers"], given["body"].encode())["type"])
except ValueError as error:
    print(error)
`;
    await writeFile(join(folder, 'verify.py'), program);
    return (await run('python3', [join(folder, 'verify.py'), JSON.stringify(given)])).stdout.trim();
  },
};

describe.each(Object.keys(RECEIVERS))('the example %s of docs/webhooks.md', (name) => {
  const verify = async (given: object): Promise<string> =>
    (await RECEIVERS[name]?.(await example(name), { secret: SECRET, ...given })) ?? '';

  it('takes what is signed by us', async () => {
    expect(await verify(message())).toBe('sandbox.ready');
  });

  it('takes what is signed with one of two keys', async () => {
    const { headers, body } = message();
    const signature = `v1,${Buffer.alloc(32).toString('base64')} ${headers['webhook-signature']}`;
    expect(await verify({ headers: { ...headers, 'webhook-signature': signature }, body })).toBe('sandbox.ready');
  });

  it('refuses what is not: another key, another body, another id, no signature, an old one', async () => {
    const wrong = 'the signature is wrong';
    expect(await verify(message(0, {}, `whsec_${Buffer.alloc(32, 1).toString('base64')}`))).toBe(wrong);
    expect(await verify({ ...message(), body: '{"type":"sandbox.stopped"}' })).toBe(wrong);
    expect(await verify(message(0, { 'webhook-id': 'msg_2' }))).toBe(wrong);
    expect(await verify(message(0, { 'webhook-signature': '' }))).toBe(wrong);
    expect(await verify(message(301))).toBe('the message is too old');
  });
});

describe('docs/webhooks.md', () => {
  it('names every event, and the number of endpoints', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    for (const type of WEBHOOK_EVENTS) expect(text).toContain(`\`${type}\``);
    expect(text).toContain(`There can be ${MAX_ENDPOINTS} of them`);
  });

  it('shows an endpoint that is taken as it stands', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const script = /cat > app\.json <<JSON\n.*?\nJSON\n/s.exec(text)?.[0] ?? '';
    await run('bash', ['-euc', script], { cwd: folder });
    const entry = await readFile(join(folder, 'app.json'));
    const { endpoints, faults } = parseEndpoints({ app: entry.toString('base64') });
    expect(faults).toEqual([]);
    expect(endpoints).toHaveLength(1);
  });
});
