import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { z } from 'zod';
import { openApiFile } from '../../src/commands/openapi.ts';
import { openApiDocument } from '../../src/facade/openapi/document.ts';
import { METHODS, type OpenApiDocument, type Operation } from '../../src/facade/openapi/openapi-types.ts';
import { makeSchemas } from '../../src/facade/openapi/schemas.ts';
import { PROBLEM_KINDS, problemType } from '../../src/facade/problem.ts';
import { route, upgradeRoute } from '../../src/facade/route.ts';
import { startFacade } from './support/facade.ts';

const text = await openApiFile();
const document = JSON.parse(text) as OpenApiDocument;
const operations: readonly Operation[] = Object.values(document.paths).flatMap((item) =>
  METHODS.flatMap((method) => item[method] ?? []),
);

/** Every value of `$ref` in a document. */
const references = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(references);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === '$ref' ? [String(inner)] : references(inner)));
};

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate(JSON.parse(text))).toEqual({ valid: true });
  });

  it('is the one in docs/openapi.json (npm run generate)', () => {
    expect(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')).toBe(text);
  });

  it('is served, open to everyone, with the header that keys are taken in', async () => {
    const facade = await startFacade({ apiKeyHeader: 'X-Matrx-Key' });
    const { status, body, headers } = await facade.request('/openapi.json', { headers: { 'X-API-Key': null } });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    const { components, ...rest } = body as OpenApiDocument;
    expect(components.securitySchemes['ApiKey']).toMatchObject({ type: 'apiKey', name: 'X-Matrx-Key' });
    expect(rest.paths).toEqual(document.paths);
  });

  it('has a name of its own for each operation', () => {
    const names = operations.map(({ operationId }) => operationId);
    expect(names.filter((name) => !/^[a-z][A-Za-z0-9]*$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('refers to nothing that is not there', () => {
    for (const reference of references(document)) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
      expect([reference, found]).toEqual([reference, expect.anything()]);
    }
  });

  it('says of each operation what it answers: well, and with which problems', () => {
    for (const { operationId, responses, security, ...more } of operations) {
      const statuses = Object.keys(responses);
      expect([operationId, statuses.some((status) => /^(1|2|default)/.test(status))]).toEqual([operationId, true]);
      // What listens on a port answers for itself (`default`). An open page, and at the same path a WebSocket that is not.
      const isOpen = security?.length === 0 && more['x-upgrade'] === undefined;
      expect([operationId, statuses.includes('401'), statuses.includes('403')]).toEqual([
        operationId,
        !isOpen,
        !isOpen,
      ]);
      expect(statuses).toEqual(expect.arrayContaining(['500', '503']));
    }
  });

  it('lists the closed set of problems, and where each is to be expected', () => {
    const { properties } = document.components.schemas['Problem'] as { properties: { type: { enum: string[] } } };
    expect(properties.type.enum).toEqual(PROBLEM_KINDS.map(problemType));
    const everywhere = JSON.stringify(operations);
    // Answered where there is no operation; and what nothing is served by yet.
    const nowhere = ['invalid-ticket', 'method-not-allowed', 'missing-ticket', 'request-timeout', 'upgrade-required'];
    expect(PROBLEM_KINDS.filter((kind) => !everywhere.includes(problemType(kind))).toSorted()).toEqual(
      nowhere.filter((kind) => !everywhere.includes(`,2026:${kind}`)),
    );
  });

  it('keeps the original’s statuses and fields [A1.2] [A1.5] [A1.6] [A1.7] [A1.8] [A1.9] [A1.12] [A1.13] [A1.14]', () => {
    const { paths, components } = document;
    const answers = (path: string, method: 'get' | 'post' | 'delete') =>
      Object.keys(paths[path]?.[method]?.responses ?? {});
    expect(answers('/sandboxes', 'post')).toEqual(expect.arrayContaining(['201', '401', '403', '422', '500']));
    expect(answers('/sandboxes/{id}', 'get')).toEqual(expect.arrayContaining(['200', '404']));
    expect(answers('/sandboxes/{id}', 'delete')).toEqual(expect.arrayContaining(['204', '404']));
    for (const path of ['heartbeat', 'complete', 'error']) {
      expect(answers(`/sandboxes/{id}/${path}`, 'post')).toEqual(expect.arrayContaining(['200', '404']));
    }
    const { required } = components.schemas['Sandbox'] as { required: string[] };
    expect(required).toEqual(
      expect.arrayContaining([
        'sandbox_id',
        'user_id',
        'status',
        'container_id',
        'created_at',
        'hot_path',
        'cold_path',
        'config',
        'ssh_port',
        'ttl_seconds',
      ]),
    );
  });

  it('says what a body is, which one may be left out, and of which media types', () => {
    expect(document.paths['/sandboxes/{id}/complete']?.post?.requestBody?.required).toBe(false);
    const patch = document.paths['/sandboxes/{id}']?.patch?.requestBody;
    expect(patch?.required).toBe(true);
    expect(Object.keys(patch?.content ?? {})).toEqual(['application/json', 'application/merge-patch+json']);
    expect(JSON.stringify(document)).not.toContain('x-kubernetes');
  });

  it('lets the sandbox itself call what is its own', () => {
    const own = operations.filter(({ security }) => security?.some((one) => 'SandboxToken' in one) === true);
    expect(own.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining(['heartbeat', 'completeSandbox', 'failSandbox', 'getSandbox']),
    );
  });
});

describe('a description', () => {
  const options = { version: '1', apiKeyHeader: 'X-API-Key' };
  const common = { tag: 'ports', summary: 'Something', access: { kind: 'open' } } as const;
  const upgrade = upgradeRoute({
    ...common,
    path: '/sandboxes/:id/ports/*path',
    operationId: 'openPort',
    query: z.object({ size: z.string() }),
    responses: { 101: { description: 'A WebSocket.' } },
    upgrade: () => undefined,
  });
  const page = route({
    ...common,
    method: 'GET',
    path: '/sandboxes/:id/ports/*path',
    operationId: 'getPort',
    params: { path: { description: 'A path.' } },
    responses: { 200: { description: 'What is there.', contentType: 'text/html' } },
    handle: () => undefined,
  });

  it('has an operation for a path that is for upgrades alone, which answers 426 otherwise', () => {
    const { paths } = openApiDocument({ ...options, routes: [], upgradeRoutes: [upgrade] });
    const get = paths['/sandboxes/{id}/ports/{path}']?.get;
    expect(get).toMatchObject({ operationId: 'openPort', 'x-upgrade': 'websocket' });
    expect(Object.keys(get?.responses ?? {})).toEqual(expect.arrayContaining(['101', '426']));
    expect(get?.parameters).toContainEqual(
      expect.objectContaining({ name: 'path', in: 'path', description: 'It may have slashes.' }),
    );
  });

  it('has one operation where the same path also serves a page', () => {
    const { paths } = openApiDocument({ ...options, routes: [page], upgradeRoutes: [upgrade] });
    const get = paths['/sandboxes/{id}/ports/{path}']?.get;
    expect(get).toMatchObject({ operationId: 'getPort', 'x-upgrade': 'websocket' });
    expect(Object.keys(get?.responses ?? {})).toEqual(expect.arrayContaining(['101', '200']));
    expect(Object.keys(get?.responses ?? {})).not.toContain('426');
    expect(get?.parameters?.filter((one) => 'name' in one).map((one) => ('name' in one ? one.name : ''))).toEqual([
      'id',
      'path',
      'size',
    ]);
  });

  it('is refused for a table that has the same route twice', () => {
    expect(() => openApiDocument({ ...options, routes: [page, page], upgradeRoutes: [] })).toThrow(/twice/);
  });

  it('is refused where two shapes have one name', () => {
    const schemas = makeSchemas();
    schemas.output(z.object({ a: z.string().meta({ id: 'Same' }) }));
    expect(() => {
      // As another copy of a module would: the registry itself knows a name once.
      schemas.output(z.object({ a: z.int().meta({ id: 'Same' }) }));
    }).toThrow();
  });
});

describe('an ordinary request to a path for upgrades', () => {
  it('is told so', async () => {
    const { default: Koa } = await import('koa');
    const { Router } = await import('@koa/router');
    const { registerUpgradeHints } = await import('../../src/facade/register-routes.ts');
    const router = new Router<never>();
    const hint = upgradeRoute({
      path: '/sandboxes/:id/terminal',
      operationId: 'openTerminal',
      tag: 'terminal',
      summary: 'A terminal',
      access: { kind: 'open' },
      responses: { 101: { description: 'A WebSocket.' } },
      upgrade: () => undefined,
    });
    registerUpgradeHints(router as never, [], [hint]);
    const app = new Koa();
    let thrown: unknown;
    app.use(async (context, next) => {
      try {
        await next();
      } catch (error) {
        thrown = error;
        context.status = 426;
      }
    });
    app.use(router.routes() as never);
    const server = app.listen(0, '127.0.0.1');
    await new Promise<void>((resolve) => server.once('listening', () => resolve()));
    try {
      const { port } = server.address() as { port: number };
      expect((await fetch(`http://127.0.0.1:${port}/sandboxes/demo/terminal`)).status).toBe(426);
      expect(thrown).toMatchObject({ problem: { status: 426 }, headers: { Upgrade: 'websocket' } });
    } finally {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});
