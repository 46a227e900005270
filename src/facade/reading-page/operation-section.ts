import type { Method, OpenApiDocument, Operation, Parameter, Reference, Response } from '../openapi/openapi-types.ts';
import { exampleOf } from './example.ts';
import { html, type Html } from './html.ts';
import { inline, prose } from './prose.ts';
import { componentOf, fieldList, limits, typeLabel } from './schema-view.ts';

export interface Endpoint {
  readonly method: Method;
  readonly path: string;
  readonly operation: Operation;
}

export const operationAnchor = ({ operationId }: Operation): string => `op-${operationId}`;

/** A path with its parameters set off; a long one is broken before a slash. */
export const pathMarkup = (path: string): readonly Html[] =>
  path.split(/(\{\w+\}|(?<=.)(?=\/))/).map((part) => {
    if (part === '') return html`<wbr />`;
    return part.startsWith('{') ? html`<var>${part}</var>` : html`${part}`;
  });

export const operationSection = (endpoint: Endpoint, document: OpenApiDocument): Html => {
  const { method, path, operation } = endpoint;
  const anchor = operationAnchor(operation);
  return html`<section class="operation" id="${anchor}">
    <h3><a class="anchor" href="#${anchor}">${operation.summary}</a></h3>
    <p class="call">
      <span class="method ${method}">${method}</span> <code>${pathMarkup(path)}</code>${upgradeMark(operation)}
    </p>
    ${prose(operation.description)}
    <p class="access">${accessOf(operation)}</p>
    ${parameters(operation, document)} ${requestBody(operation, document)}
    <h4>Answers</h4>
    <dl class="answers">
      ${Object.entries(operation.responses).map(([status, response]) => answer(status, response))}
    </dl>
    <details class="example">
      <summary>Example</summary>
      <pre><code>${curl(endpoint, document)}</code></pre>
      ${exampleAnswer(operation, document)}
    </details>
  </section>`;
};

const upgradeMark = ({ 'x-upgrade': upgrade }: Operation): Html | undefined =>
  upgrade === undefined ? undefined : html` <span class="upgrade">${upgrade}</span>`;

const accessOf = ({ security, 'x-scope': scope }: Operation): Html => {
  if (security?.length === 0) return html`Open to everyone.`;
  const isSelf = (security ?? []).some((one) => 'SandboxToken' in one);
  return html`Needs
  ${scope === undefined ? 'an API key' : html`a key with the scope <code>${scope}</code>`}${isSelf ? ', or the sandbox’s own token' : ''}.`;
};

const isParameter = (one: Parameter | Reference): one is Parameter => !('$ref' in one);

const parameters = ({ parameters: all = [] }: Operation, _document: OpenApiDocument): Html | undefined => {
  const own = all.filter(isParameter);
  if (own.length === 0) return undefined;
  return html`<h4>Parameters</h4>
    <ul class="fields">
      ${own.map(
        ({ name, in: place, required, description, schema }) =>
          html`<li>
            <div class="name">
              <code>${name}</code
              ><span class="place">${place}</span
              >${required === true ? undefined : html`<span class="optional">optional</span>`}
            </div>
            <div class="what">
              <span class="type">${typeLabel(schema)}</span>
              ${limits(schema)}${description === undefined ? undefined : html`<p>${inline(description)}</p>`}
            </div>
          </li>`,
      )}
    </ul>`;
};

const requestBody = ({ requestBody: body }: Operation, document: OpenApiDocument): Html | undefined => {
  if (body === undefined) return undefined;
  const [media] = Object.values(body.content);
  const types = Object.keys(body.content).map((type) => html`<code>${type}</code> `);
  const { schema } = media ?? {};
  const fields = schema === undefined ? undefined : fieldList(bodyObject(schema, document));
  return html`<h4>Body</h4>
    <p class="media">${types}${body.required ? undefined : html`<span class="optional">optional</span>`}</p>
    ${fields}`;
};

/** The object of a body that may be left out as well. */
const bodyObject = (schema: Readonly<Record<string, unknown>>, document: OpenApiDocument) => {
  const known = resolver(document)(schema);
  const branches = (known['anyOf'] ?? []) as readonly Readonly<Record<string, unknown>>[];
  return branches.find((branch) => branch['properties'] !== undefined) ?? known;
};

const answer = (status: string, { description, content = {} }: Response): Html => {
  const [type, media] = Object.entries(content)[0] ?? [];
  const schema = media?.schema;
  const shape =
    schema === undefined || type === 'application/problem+json'
      ? undefined
      : html`<span class="type">${typeLabel(schema)}</span
          >${componentOf(schema) === undefined ? fieldList(schema) : undefined}`;
  const kind = status.startsWith('2') || status === '101' ? 'good' : 'bad';
  return html`<dt><span class="status ${kind}">${status}</span></dt>
    <dd>${inline(description)} ${shape}</dd>`;
};

export const resolver =
  (document: OpenApiDocument) =>
  (schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    const component = componentOf(schema);
    return component === undefined ? schema : (document.components.schemas[component] ?? {});
  };

const curl = ({ method, path, operation }: Endpoint, document: OpenApiDocument): string => {
  const filled = path.replace('{id}', 'sbx-0123456789ab').replace('{user}', 'ann');
  const lines = [`curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}"$MATRX_URL${filled}"`];
  if (operation.security?.length !== 0) lines.push(`  -H "X-API-Key: $MATRX_API_KEY"`);
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (media?.schema !== undefined) {
    const body = exampleOf(bodyObject(media.schema, document), resolver(document), true);
    lines.push(`  -H 'Content-Type: ${type}'`, `  -d '${JSON.stringify(body)}'`);
  } else if (type !== undefined) lines.push(`  -H 'Content-Type: ${type}'`, '  --data-binary @file');
  return lines.join(' \\\n');
};

const exampleAnswer = ({ responses }: Operation, document: OpenApiDocument): Html | undefined => {
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'));
  const schema = good?.[1].content?.['application/json']?.schema;
  if (schema === undefined) return undefined;
  return html`<pre><code>${JSON.stringify(exampleOf(schema, resolver(document), false), null, 2)}</code></pre>`;
};
