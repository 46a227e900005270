import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { Node } from '../../../src/api/node.ts';
import { isReady } from '../../../src/domain/node-loss.ts';
import type { KubeClient, ResourceType } from '../../../src/kube/client.ts';
import { directAccess } from '../../../src/kube/cluster-access.ts';
import { loadClusterAccess } from '../../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import { NAMESPACES, NODES, PODS, SANDBOX_TEMPLATES, SANDBOXES, WORKSPACES } from '../../../src/kube/resource-types.ts';
import { copyOf, COPIES, makeCopiedNames } from '../api-server-proxy/copied-names.ts';
import { type ApiServerProxy, type ProxyOptions, startApiServerProxy } from '../api-server-proxy/start-proxy.ts';
import { makeUpstream } from '../api-server-proxy/upstream.ts';
import { DEFINITIONS } from '../e2e/definitions.ts';
import { eventually } from '../e2e/eventually.ts';
import { uniqueName } from '../e2e/names.ts';
import { aTemplate } from '../resources.ts';

/**
 * The real API server, with definitions and namespaces of the test's own: controllers of the test work there, and the
 * installed one hears nothing of it.
 */
export interface PlayedCluster {
  /** Sees the product's kinds under their own names, through a proxy without faults. */
  readonly client: KubeClient;
  /** The node that the pods seem to be on. */
  readonly node: string;
  /** With the template `default`, and ready to take pods. */
  readonly makeNamespace: () => Promise<string>;
  /** Another way to the API server, for faults. */
  readonly openProxy: (options?: Pick<ProxyOptions, 'headersOf'>) => Promise<ApiServerProxy>;
  /** Removes all that was made, finalizers or not. */
  readonly close: () => Promise<void>;
}

export interface Definition extends KubeObject {
  readonly spec: { readonly names: object; readonly versions: readonly { readonly schema: object }[] };
}

export interface PlayedClusterOptions {
  /** Which copies there are, as they are defined; undefined: this one is not installed. */
  readonly define?: (definition: Definition, kind: string) => Definition | undefined;
}

const SERVED = { deadlineMs: 120_000, everyMs: 50 };

export const makePlayedCluster = async ({
  define = (same) => same,
}: PlayedClusterOptions = {}): Promise<PlayedCluster> => {
  const access = loadClusterAccess();
  const upstream = await makeUpstream(access);
  const direct = makeKubeClient({ access });
  const node = await readyNode(direct);
  const group = `${uniqueName('played')}.matrx.dev`;
  const names = makeCopiedNames(group, node);
  const proxies: ApiServerProxy[] = [];
  const openProxy: PlayedCluster['openProxy'] = async (options = {}) => {
    const proxy = await startApiServerProxy({ ...options, upstream, names });
    proxies.push(proxy);
    return proxy;
  };
  const client = makeKubeClient({ access: directAccess((await openProxy()).url), callConnections: 32 });

  const definitions: string[] = [];
  for (const { kind, plural, file } of COPIES) {
    const definition = define(parse(readFileSync(file, 'utf8')) as Definition, kind);
    if (definition === undefined) continue;
    const name = `${copyOf(plural)}.${group}`;
    await direct.create<Definition>(DEFINITIONS, undefined, copyDefinition(definition, { group, kind, plural, name }));
    definitions.push(name);
  }
  const isDefined = (plural: string): boolean => definitions.includes(`${copyOf(plural)}.${group}`);
  for (const type of [SANDBOXES, WORKSPACES, SANDBOX_TEMPLATES].filter(({ plural }) => isDefined(plural))) {
    await eventually(`${type.plural} are served`, async () => client.list(type, {}), SERVED);
  }

  const namespaces: string[] = [];
  return {
    client,
    node,
    openProxy,
    makeNamespace: async () => {
      const namespace = uniqueName('played');
      await direct.create<KubeObject>(NAMESPACES, undefined, { metadata: { name: namespace } });
      namespaces.push(namespace);
      const account = { type: SERVICE_ACCOUNTS, namespace, name: 'default' };
      await eventually('pods are admitted', async () => direct.get(account), SERVED);
      if (isDefined('sandboxtemplates')) {
        const { metadata, ...template } = aTemplate();
        await client.create(SANDBOX_TEMPLATES, namespace, { ...template, metadata: { name: metadata.name } });
      }
      return namespace;
    },
    close: async () => {
      for (const namespace of namespaces) {
        for (const type of [PODS, SANDBOXES, WORKSPACES]) {
          if (type === PODS || isDefined(type.plural)) await freeAll(client, type, namespace);
        }
        await direct.delete({ type: NAMESPACES, name: namespace });
      }
      for (const name of definitions) await direct.delete({ type: DEFINITIONS, name });
      await Promise.all([client.close(), direct.close()]);
      await Promise.all(proxies.map((proxy) => proxy.close()));
      upstream.close();
    },
  };
};

const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

const readyNode = async (client: KubeClient): Promise<string> => {
  const { items } = await client.list<Node>(NODES, {});
  const name = items.find(isReady)?.metadata.name;
  if (name === undefined) throw new Error('the cluster has no node that is Ready');
  return name;
};

const copyDefinition = (
  { spec, ...definition }: Definition,
  {
    group,
    kind,
    plural,
    name,
  }: { readonly group: string; readonly kind: string; readonly plural: string; readonly name: string },
): Definition => ({
  ...definition,
  metadata: { name },
  spec: {
    ...spec,
    group,
    names: {
      kind: copyOf(kind),
      listKind: `${copyOf(kind)}List`,
      plural: copyOf(plural),
      singular: copyOf(kind).toLowerCase(),
    },
  } as Definition['spec'],
});

/** What is left where a test has failed in the middle: nobody would take the finalizers away. */
const freeAll = async (client: KubeClient, type: ResourceType, namespace: string): Promise<void> => {
  const { items } = await client.list(type, { namespace });
  for (const { metadata } of items) {
    if ((metadata.finalizers ?? []).length === 0) continue;
    const ref = { type, namespace, name: metadata.name };
    await client.mergePatch(ref, { metadata: { finalizers: null } }).catch(() => undefined);
  }
};
