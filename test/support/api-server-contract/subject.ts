import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { Sandbox, SandboxSpec } from '../../../src/api/sandbox.ts';
import type { KubeClient, ObjectRef, ResourceType } from '../../../src/kube/client.ts';
import type { ClusterAccess } from '../../../src/kube/cluster-access.ts';
import type { KubeErrorReason } from '../../../src/kube/errors.ts';
import { isKubeError } from '../../../src/kube/errors.ts';
import { PODS } from '../../../src/kube/resource-types.ts';

/** An API server that the contract is asked of. */
export interface ContractSubject {
  readonly client: KubeClient;
  /** Sandboxes, or what has their schema: nobody but the contract uses them. */
  readonly type: ResourceType;
  readonly namespace: string;
  /** How to reach it without the product's client; undefined: it has no connection. */
  readonly access: ClusterAccess | undefined;
  readonly close: () => Promise<void>;
}

export interface RawAnswer {
  readonly code: number;
  readonly body: unknown;
}

/** One request and the whole answer, whatever it says. */
export const rawRequest = async (
  access: ClusterAccess,
  method: string,
  path: string,
  body?: { readonly contentType: string; readonly json: unknown },
): Promise<RawAnswer> => {
  const { headers, tls } = await access.credentials();
  const url = new URL(path, access.server);
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const contentType = body === undefined ? {} : { 'content-type': body.contentType };
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers: { ...headers, ...contentType }, agent: false, ...tls }, (response) => {
      text(response).then(
        (answer) => resolve({ code: response.statusCode ?? 0, body: JSON.parse(answer) as unknown }),
        reject,
      );
    });
    request.once('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body.json));
  });
};

/** What the contract does to one subject, in fewer words. */
export interface Hands {
  readonly refTo: (name: string, type?: ResourceType) => ObjectRef;
  readonly make: (name: string, more?: MadeWith) => Promise<Sandbox>;
  readonly makePod: (name: string, nodeName?: string) => Promise<KubeObject>;
  readonly get: (name: string, type?: ResourceType) => Promise<Sandbox>;
}

export interface MadeWith {
  readonly metadata?: Partial<KubeObject['metadata']>;
  readonly spec?: Partial<SandboxSpec>;
  readonly status?: object;
}

/** A finalizer that nobody but the test takes off. */
export const FINALIZER = 'matrx.dev/contract';

export const makeHands = ({ client, namespace, type: ours }: ContractSubject): Hands => {
  const refTo: Hands['refTo'] = (name, type = ours) => ({ type, namespace, name });
  return {
    refTo,
    make: async (name, { metadata = {}, spec = {}, ...more } = {}) => {
      const object = { metadata: { name, ...metadata }, spec: { userId: 'ann', ...spec }, ...more };
      return (await client.create<KubeObject>(ours, namespace, object)) as Sandbox;
    },
    makePod: (name, nodeName) => {
      const container = { name: 'main', image: 'contract.invalid/none:1' };
      const placed = nodeName === undefined ? { nodeSelector: { 'matrx.dev/contract': 'no-node' } } : { nodeName };
      const spec = { ...placed, terminationGracePeriodSeconds: 45, containers: [container] };
      return client.create<KubeObject>(PODS, namespace, { metadata: { name }, spec } as KubeObject);
    },
    get: (name, type) => client.get<Sandbox>(refTo(name, type)),
  };
};

/** Why it was refused, with the HTTP status: `Conflict 409`. */
export const refusalOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return 'done';
  } catch (error) {
    if (isKubeError(error)) return `${error.reason satisfies KubeErrorReason} ${error.code}`;
    throw error;
  }
};
