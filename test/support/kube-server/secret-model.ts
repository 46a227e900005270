import { API_KEYS_SECRET } from '../../../src/api/names.ts';
import type { Secret } from '../../../src/facade/keys/keys-secret.ts';
import type { JsonPatchOperation } from '../../../src/kube/client.ts';
import type { Exchange, WatchStream } from './exchange.ts';
import { type KubeServer, startKubeServer } from './start-kube-server.ts';

/** An API server over HTTP that has one Secret, the API keys', or none; it answers and tells as the real one does. */
export interface SecretModel {
  readonly server: KubeServer;
  readonly secret: () => Secret | undefined;
  /** Somebody changes entries, by the base64 of their values; undefined takes one away. */
  readonly edit: (entries: Readonly<Record<string, string | undefined>>) => void;
  readonly remove: () => void;
  /** Cuts everything until `back`. */
  readonly away: () => void;
  readonly back: () => void;
  /** Is run once, between the next writer's reading and its writing. */
  readonly beforeNextWrite: (act: () => void) => void;
  readonly close: () => Promise<void>;
}

const COLLECTION = '/api/v1/namespaces/matrx-system/secrets';

export const startSecretModel = async (
  otherwise: (exchange: Exchange) => void = (exchange) => exchange.status(404, 'NotFound'),
): Promise<SecretModel> => {
  const server = await startKubeServer();
  const watches = new Set<WatchStream>();
  let version = 10;
  let secret: Secret | undefined;
  let away = false;
  let before: (() => void) | undefined;

  const store = (next: Omit<Secret, 'metadata'>): Secret => {
    const type = secret === undefined ? 'ADDED' : 'MODIFIED';
    const uid = secret?.metadata.uid ?? `uid-${version}`;
    const metadata = { name: API_KEYS_SECRET, namespace: 'matrx-system', uid, resourceVersion: String(++version) };
    secret = { ...next, metadata };
    for (const watch of watches) watch.event(type, secret);
    return secret;
  };
  const write = (act: () => void): void => {
    before?.();
    before = undefined;
    act();
  };

  server.answer((exchange) => {
    const { method, path, query, body } = exchange;
    if (away) return exchange.cut();
    if (!path.startsWith(COLLECTION)) return otherwise(exchange);
    if (method === 'GET' && path === COLLECTION) {
      if (query['fieldSelector'] !== `metadata.name=${API_KEYS_SECRET}`) return exchange.status(403, 'Forbidden');
      if (query['watch'] !== 'true') return exchange.list(secret === undefined ? [] : [secret], String(version));
      const watch = exchange.stream();
      if (secret !== undefined && Number(query['resourceVersion']) < version) watch.event('MODIFIED', secret);
      watches.add(watch);
      void watch.closed.then(() => watches.delete(watch));
      return;
    }
    if (method === 'GET') return secret === undefined ? exchange.status(404, 'NotFound') : exchange.json(200, secret);
    if (method === 'POST') {
      return write(() => {
        if (secret !== undefined) exchange.status(409, 'AlreadyExists');
        else exchange.json(201, store(body as Secret));
      });
    }
    return write(() => {
      if (secret === undefined) return exchange.status(404, 'NotFound');
      const patched = applyPatch(secret, body as readonly JsonPatchOperation[]);
      if (patched === undefined)
        exchange.status(422, 'Invalid', 'the server rejected our request due to an error in it');
      else exchange.json(200, store(patched));
    });
  });

  const drop = (): void => {
    for (const watch of watches) watch.cut();
  };
  return {
    server,
    secret: () => secret,
    edit: (entries) => {
      const data = Object.entries({ ...secret?.data, ...entries }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      store({ ...secret, data: Object.fromEntries(data) });
    },
    remove: () => {
      if (secret === undefined) return;
      version++;
      const gone = { ...secret, metadata: { ...secret.metadata, resourceVersion: String(version) } };
      secret = undefined;
      for (const watch of watches) watch.event('DELETED', gone);
    },
    away: () => {
      away = true;
      drop();
    },
    back: () => {
      away = false;
    },
    beforeNextWrite: (act) => {
      before = act;
    },
    close: async () => {
      drop();
      await server.close();
    },
  };
};

/** RFC 6902, as far as keys are written with it. Undefined where a test fails or there is nothing to remove. */
const applyPatch = (secret: Secret, patch: readonly JsonPatchOperation[]): Secret | undefined => {
  const patched = structuredClone(secret) as unknown as Record<string, unknown>;
  for (const { op, path, value } of patch) {
    const parts = path.split('/').slice(1);
    const last = parts.pop() ?? '';
    const parent = parts.reduce<unknown>(
      (object, part) => (object as Record<string, unknown> | undefined)?.[part],
      patched,
    );
    if (typeof parent !== 'object' || parent === null) return undefined;
    const members = parent as Record<string, unknown>;
    if (op === 'test' && members[last] !== value) return undefined;
    if (op === 'remove' && !(last in members)) return undefined;
    if (op === 'remove') delete members[last];
    else if (op !== 'test') members[last] = value;
  }
  return patched as unknown as Secret;
};
