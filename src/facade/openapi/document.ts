import type { Route, UpgradeRoute } from '../route.ts';
import { upgradeOperation, operationOf } from './operation.ts';
import type { Method, OpenApiDocument, PathItem } from './openapi-types.ts';
import { pathTemplate } from './path.ts';
import { makeSchemas } from './schemas.ts';
import { describedTags } from './tags.ts';

export interface DocumentOptions {
  readonly routes: readonly Route[];
  readonly upgradeRoutes: readonly UpgradeRoute[];
  readonly version: string;
  readonly apiKeyHeader: string;
}

/** The whole API as an OpenAPI 3.1 document: the route table, seen by a client. */
export const openApiDocument = ({ routes, upgradeRoutes, version, apiKeyHeader }: DocumentOptions): OpenApiDocument => {
  const schemas = makeSchemas();
  const paths = new Map<string, PathItem>();
  for (const route of routes) {
    const path = pathTemplate(route.path);
    const method = route.method.toLowerCase() as Method;
    const item = paths.get(path) ?? {};
    if (item[method] !== undefined) throw new Error(`${route.method} ${path} is in the table twice`);
    paths.set(path, { ...item, [method]: operationOf(route, schemas) });
  }
  for (const route of upgradeRoutes) {
    const path = pathTemplate(route.path);
    const item = paths.get(path) ?? {};
    paths.set(path, { ...item, get: upgradeOperation(route, item.get, schemas) });
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://spec.openapis.org/oas/3.1/dialect/base',
    info: {
      title: 'matrx-sandbox',
      version,
      summary: 'A Linux sandbox for every user, whose home follows them',
      description: ABOUT,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server.' }],
    tags: describedTags([...routes, ...upgradeRoutes].map(({ tag }) => tag)),
    security: [{ ApiKey: [] }, { Bearer: [] }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: schemas.components(),
      headers: {
        RequestId: { description: "The request's id, as it stands in the logs.", schema: { type: 'string' } },
        RetryAfter: { description: 'Seconds after which to try again.', schema: { type: 'integer', minimum: 0 } },
        RateLimit: {
          description:
            'Of every answer to a limited API key: how many requests are left now, and in how many seconds there are more.',
          schema: { type: 'string', examples: ['"key";r=99;t=1'] },
        },
        RateLimitPolicy: {
          description: 'Of every answer to a limited API key: how many requests at once, and in how many seconds.',
          schema: { type: 'string', examples: ['"key";q=100;w=2'] },
        },
        WwwAuthenticate: { description: 'How to authenticate (RFC 9110).', schema: { type: 'string' } },
      },
      parameters: {
        RequestId: {
          name: 'X-Request-Id',
          in: 'header',
          description:
            'An id of the client’s own for the request: 1 to 128 letters, digits and _ . : -; any other is replaced by a new one.',
          schema: { type: 'string' },
        },
      },
      securitySchemes: {
        ApiKey: { type: 'apiKey', in: 'header', name: apiKeyHeader, description: 'An API key.' },
        Bearer: { type: 'http', scheme: 'bearer', description: 'The same key as a bearer token.' },
        SandboxToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'What a sandbox proves itself by: the token of its pod, which is in a file of every sandbox.',
        },
      },
    },
  };
};

const ABOUT = `Each user has a home that is saved to S3 while a sandbox works and is there again with the next one.

**Errors** are problem details (RFC 9457): decide by \`type\`, which is a closed set; \`detail\` is a sentence, or, where inputs are wrong (422), the list of them. What is no HTTP request, or does not come whole, is answered so as well (400, 408).

**Waiting** is the client's to bound: \`Prefer: wait=20\`, or \`Prefer: respond-async\` for an answer at once. A client that leaves ends the wait and nothing else.

**Repeating** a request is safe with an \`Idempotency-Key\` where a route takes one. Heartbeat, complete, error, suspend, resume and DELETE can be repeated as they are: the second time changes nothing.

**Two who change the same** are told of each other by \`ETag\` and \`If-Match\`.`;
