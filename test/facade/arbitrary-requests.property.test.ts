import { beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { aSandbox } from '../support/resources.ts';
import { startFacade, type TestFacade } from './support/facade.ts';
import { ready } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.add(aSandbox().status(ready('demo')).build());
  facade.cluster.onExec(() =>
    Promise.resolve({ exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), truncated: false }),
  );
});

/** Arbitrary JSON, and JSON that is nearly right. */
const body = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      user_id: fc.oneof(fc.constantFrom('ann', '..', 'x--a'), fc.string({ unit: 'binary' })),
      config: fc.oneof(fc.object(), fc.jsonValue()),
      env: fc.oneof(fc.array(fc.record({ name: fc.string(), value: fc.string() })), fc.jsonValue()),
      image: fc.oneof(fc.string(), fc.jsonValue()),
      workspace: fc.jsonValue(),
      resources: fc.jsonValue(),
      template: fc.jsonValue(),
      command: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
      timeout: fc.oneof(fc.integer(), fc.jsonValue()),
      cwd: fc.oneof(fc.string(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  ),
);

const EXPECTED = [200, 202, 400, 404, 405, 413, 415, 422];

describe('any request', () => {
  it('with any JSON is answered as documented, and never by 500', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/sandboxes', '/sandboxes/demo/exec'), body, async (path, json) => {
        const answer = await facade.request(path, {
          method: 'POST',
          body: JSON.stringify(json) ?? 'null',
          headers: { Prefer: 'respond-async' },
        });
        expect(EXPECTED).toContain(answer.status);
        if (answer.status >= 400)
          expect(answer.body).toMatchObject({ status: answer.status, detail: expect.anything() });
      }),
      { numRuns: 300 },
    );
  });

  it('with any bytes, to any path, is never answered by 500', async () => {
    const path = fc.webPath().map((text) => `/sandboxes${text}`);
    await fc.assert(
      fc.asyncProperty(path, fc.uint8Array({ maxLength: 200 }), async (url, bytes) => {
        const answer = await facade.request(url, { method: 'POST', body: bytes });
        expect(EXPECTED).toContain(answer.status);
      }),
      { numRuns: 150 },
    );
  });

  it('reads back the config it was given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), async (config) => {
        const sent = JSON.stringify({ user_id: 'ann', config });
        const { status, body: answer } = await facade.request('/sandboxes', {
          body: sent,
          headers: { Prefer: 'respond-async' },
        });
        expect(status).toBe(202);
        const { config: kept } = answer as { config: unknown };
        expect(JSON.stringify(kept)).toBe(JSON.stringify(JSON.parse(sent).config));
      }),
      { numRuns: 100 },
    );
  });
});
