import type { KubeObject } from '../../../src/api/meta.ts';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import type { Json } from '../../../src/base/json.ts';
import type {
  DeleteOptions,
  JsonPatchOperation,
  ObjectRef,
  ResourceType,
  Selection,
} from '../../../src/kube/client.ts';
import * as types from '../../../src/kube/resource-types.ts';
import { type Exchange, type WatchStream } from '../kube-server/exchange.ts';
import { type KubeServer, startKubeServer } from '../kube-server/start-kube-server.ts';
import type { ApiServer } from './api-server.ts';
import { Refused, statusOf } from './refused.ts';
import { selects } from './selection.ts';
import { type ListQuery, makeVerbs, mustKnow, type Verbs } from './verbs.ts';
import { watchChanges } from './watch.ts';

/** The model API server over HTTP, for clients that are to have a connection, and answers as bytes. */
export const serveModel = async (api: ApiServer, clock: Clock = systemClock): Promise<KubeServer> => {
  const server = await startKubeServer();
  const verbs = makeVerbs(api);
  server.answer((exchange) => {
    try {
      answer(api, verbs, clock, exchange);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const status = statusOf(error);
      exchange.json(status.code ?? 500, status);
    }
  });
  return server;
};

const answer = (api: ApiServer, verbs: Verbs, clock: Clock, exchange: Exchange): void => {
  const { method, query, body } = exchange;
  const { type, namespace, name, subresource } = target(exchange.path);
  if (name === undefined) {
    if (method === 'POST') return exchange.json(201, verbs.create(type, namespace, body as KubeObject));
    if (query['watch'] === 'true') return watch(api, clock, type, exchange);
    const { items, resourceVersion, continue: token } = verbs.list(type, listQuery(query));
    return exchange.list(items, resourceVersion, token);
  }
  const ref: ObjectRef = { type, name, ...(namespace === undefined ? {} : { namespace }) };
  if (method === 'GET') return exchange.json(200, verbs.get(ref));
  if (method === 'PUT') return exchange.json(200, verbs.replace(ref, body as KubeObject, subresource));
  if (method === 'PATCH') return exchange.json(200, patch(verbs, ref, exchange, subresource));
  const { preconditions, ...options } = (body ?? {}) as DeleteOptions & { readonly preconditions?: DeleteOptions };
  verbs.delete(ref, { ...options, ...preconditions });
  return exchange.json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
};

const patch = (verbs: Verbs, ref: ObjectRef, { headers, body }: Exchange, subresource?: 'status'): KubeObject => {
  const contentType = headers['content-type'] ?? '';
  if (contentType === 'application/merge-patch+json') return verbs.mergePatch(ref, body as Json, subresource);
  if (contentType === 'application/json-patch+json') {
    return verbs.jsonPatch(ref, body as readonly JsonPatchOperation[], subresource);
  }
  throw new Refused(`the body of the request was in an unknown format: ${contentType}`, 'Unsupported');
};

const watch = (api: ApiServer, clock: Clock, type: ResourceType, exchange: Exchange): void => {
  const { query } = exchange;
  const over = new AbortController();
  const stream = exchange.stream();
  void stream.closed.then(() => over.abort());
  const changes = watchChanges(api, {
    kind: mustKnow(type),
    from: Number(query['resourceVersion']),
    selects: selects(selection(query)),
    signal: over.signal,
    timeoutSeconds: Number(query['timeoutSeconds'] ?? 300),
    clock,
  });
  void forward(changes, stream);
};

const forward = async (changes: ReturnType<typeof watchChanges>, stream: WatchStream): Promise<void> => {
  for await (const event of changes) {
    if (event.kind === 'bookmark') stream.bookmark(event.resourceVersion);
    else if (event.kind === 'error') stream.error(event.code, event.reason, event.message);
    else
      stream.event(({ added: 'ADDED', modified: 'MODIFIED', deleted: 'DELETED' } as const)[event.kind], event.object);
  }
  stream.end();
};

const selection = (query: Exchange['query']): Selection => ({
  ...(query['labelSelector'] === undefined ? {} : { labelSelector: query['labelSelector'] }),
  ...(query['fieldSelector'] === undefined ? {} : { fieldSelector: query['fieldSelector'] }),
});

const listQuery = (query: Exchange['query']): ListQuery => ({
  ...selection(query),
  ...(query['limit'] === undefined ? {} : { limit: Number(query['limit']) }),
  ...(query['continue'] === undefined ? {} : { continue: query['continue'] }),
});

const TYPES = Object.values(types);

const target = (path: string) => {
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  const [group, rest] = parts[0] === 'api' ? ['', parts.slice(2)] : [parts[1], parts.slice(3)];
  const [namespace, [plural, name, subresource]] =
    rest[0] === 'namespaces' && rest.length > 2 ? [rest[1], rest.slice(2)] : [undefined, rest];
  const type = TYPES.find((known) => known.group === group && known.plural === plural);
  if (type === undefined || (subresource !== undefined && subresource !== 'status')) {
    throw new Refused('the server could not find the requested resource', 'NotFound');
  }
  return { type, namespace, name, subresource } as const;
};
