import type { z } from 'zod';
import type { ProblemKind } from '../problem.ts';
import type { FieldShape, ResponseShape, Route, UpgradeRoute } from '../route.ts';
import type { Header, JsonSchema, MediaType, Operation, Parameter, Reference, Response } from './openapi-types.ts';
import { pathParameters } from './path.ts';
import { problemResponses } from './problem-schema.ts';
import type { Schemas } from './schemas.ts';

const REQUEST_ID = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };

/** A route as an operation of the description. */
export const operationOf = (route: Route, schemas: Schemas): Operation => ({
  ...describe(route),
  ...parametersOf(route, schemas),
  ...requestBodyOf(route, schemas),
  responses: { ...responsesOf(route.responses, schemas), ...problemResponses(problemsOf(route), schemas) },
});

/** Where the same path has a route of its own for GET, the description of both is one operation. */
export const upgradeOperation = (route: UpgradeRoute, besides: Operation | undefined, schemas: Schemas): Operation => {
  const own: Operation = {
    ...describe(route),
    ...parametersOf(route, schemas),
    responses: {
      ...responsesOf(route.responses, schemas),
      ...problemResponses(
        [...problemsOf(route), ...(besides === undefined ? ['upgrade-required' as const] : [])],
        schemas,
      ),
    },
    'x-upgrade': 'websocket',
  };
  if (besides === undefined) return own;
  const named = new Set((besides.parameters ?? []).map(keyOf));
  // A page that is open to everyone, on a path that is not for upgrades: the key may be left out for the page.
  const isOpen = besides.security?.length === 0 && own.security?.length !== 0;
  return {
    ...besides,
    ...(isOpen ? { security: [{}, { ApiKey: [] }, { Bearer: [] }] } : {}),
    description: [besides.description, `With \`Upgrade: websocket\`: ${route.summary}. ${route.description ?? ''}`]
      .filter((text) => text !== undefined)
      .join('\n\n')
      .trim(),
    parameters: [...(besides.parameters ?? []), ...(own.parameters ?? []).filter((one) => !named.has(keyOf(one)))],
    responses: { ...own.responses, ...besides.responses },
    'x-upgrade': 'websocket',
  };
};

const keyOf = (parameter: Parameter | Reference): string =>
  '$ref' in parameter ? parameter.$ref : `${parameter.in} ${parameter.name}`;

const describe = ({ operationId, tag, summary, description, access }: Route | UpgradeRoute) => ({
  operationId,
  tags: [tag],
  summary,
  ...(description === undefined ? {} : { description }),
  ...(access.kind === 'open' ? { security: [] } : { 'x-scope': access.scope }),
  ...(access.kind === 'scope' && access.self === true
    ? { security: [{ ApiKey: [] }, { Bearer: [] }, { SandboxToken: [] }] }
    : {}),
});

/** What any request can be answered, and what this one can. */
const problemsOf = (route: Route | UpgradeRoute): readonly ProblemKind[] => {
  const { access, query, problems = [], path } = route;
  const body = 'body' in route ? route.body : undefined;
  const isChecked = query !== undefined || (body !== undefined && body !== 'stream') || path.includes(':user');
  return [
    ...problems,
    ...(access.kind === 'open' ? [] : GUARDED),
    ...(access.kind === 'scope' && access.ticket !== undefined ? (['invalid-ticket'] as const) : []),
    ...(isChecked ? (['invalid-input'] as const) : []),
    ...(body === undefined || body === 'stream' ? [] : (['body-too-large', 'unsupported-media-type'] as const)),
    'headers-too-large',
    'internal-error',
    'shutting-down',
  ];
};

/** Of every route that is not open to everyone. */
const GUARDED: readonly ProblemKind[] = [
  'missing-api-key',
  'invalid-api-key',
  'api-key-expired',
  'not-allowed',
  'rate-limited',
  'cluster-unavailable',
];

const parametersOf = (
  { path, params = {}, query, headers = {} }: Route | UpgradeRoute,
  schemas: Schemas,
): { readonly parameters: readonly (Parameter | Reference)[] } => ({
  parameters: [
    ...pathParameters(path, params, schemas),
    ...(query === undefined ? [] : queryParameters(schemas.input(query))),
    ...Object.entries(headers).map(([name, shape]): Parameter => ({
      name,
      in: 'header',
      ...fieldOf(shape, schemas.input),
    })),
    { $ref: '#/components/parameters/RequestId' },
  ],
});

const queryParameters = ({ properties = {}, required = [] }: JsonSchema): readonly Parameter[] =>
  Object.entries(properties as Readonly<Record<string, JsonSchema>>).map(([name, property]) => {
    const { description, ...schema } = property;
    return {
      name,
      in: 'query',
      ...((required as readonly string[]).includes(name) ? { required: true } : {}),
      ...(typeof description === 'string' ? { description } : {}),
      ...(schema['type'] === 'array' ? { style: 'form' as const, explode: true } : {}),
      ...(schema['type'] === 'object' ? { style: 'deepObject' as const, explode: true } : {}),
      schema,
    };
  });

const requestBodyOf = ({ body, bodyTypes }: Route, schemas: Schemas): Pick<Operation, 'requestBody'> => {
  if (body === undefined) return {};
  const isStream = body === 'stream';
  const media: MediaType = isStream ? {} : { schema: schemas.input(body) };
  const types = bodyTypes ?? [isStream ? 'application/octet-stream' : 'application/json'];
  const content = Object.fromEntries(types.map((type) => [type, media]));
  return { requestBody: { required: !isStream && !body.safeParse(undefined).success, content } };
};

const responsesOf = (
  responses: Readonly<Record<number, ResponseShape>>,
  schemas: Schemas,
): Readonly<Record<string, Response>> =>
  Object.fromEntries(Object.entries(responses).map(([status, shape]) => [status, responseOf(shape, schemas)]));

const responseOf = (
  { description, schema, contentType, alternatives = {}, headers = {} }: ResponseShape,
  schemas: Schemas,
): Response => {
  const own = Object.entries(headers).map(([name, shape]): [string, Header] => [name, fieldOf(shape, schemas.output)]);
  const type = contentType ?? (schema === undefined ? undefined : 'application/json');
  return {
    description,
    headers: { ...REQUEST_ID, ...Object.fromEntries(own) },
    ...(type === undefined
      ? {}
      : {
          content: Object.fromEntries(
            Object.entries({ [type]: schema, ...alternatives }).map(([name, shape]) => [
              name,
              shape === undefined ? {} : { schema: schemas.output(shape) },
            ]),
          ),
        }),
  };
};

const fieldOf = ({ description, schema }: FieldShape, convert: (schema: z.ZodType) => JsonSchema) => ({
  description,
  schema: schema === undefined ? { type: 'string' } : convert(schema),
});
