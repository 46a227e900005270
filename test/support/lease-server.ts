import type { KubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { Lease } from '../../src/runtime/lease.ts';

/** One lease, with the optimistic locking of a real API server, and a switch for each of its clients. */
export interface LeaseServer {
  readonly lease: () => Lease | undefined;
  /** A client that can be cut off: its calls fail before (`requests`) or after (`answers`) they have had their effect. */
  readonly connect: () => LeaseClient;
  readonly put: (lease: Lease) => void;
}

export interface LeaseClient {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly cut: (what: 'requests' | 'answers' | undefined) => void;
}

export const makeLeaseServer = (): LeaseServer => {
  let held: Lease | undefined;
  let version = 0;

  const store = (lease: Lease): Lease => {
    version += 1;
    held = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(version) } };
    return held;
  };

  const verbs = {
    get: (): Lease => {
      if (held === undefined) throw new KubeError('NotFound', 'not found', { code: 404 });
      return held;
    },
    create: (_type: unknown, _namespace: unknown, lease: Lease): Lease => {
      if (held !== undefined) throw new KubeError('AlreadyExists', 'exists', { code: 409 });
      return store(lease);
    },
    replace: (_ref: unknown, lease: Lease): Lease => {
      if (held?.metadata.resourceVersion !== lease.metadata.resourceVersion) {
        throw new KubeError('Conflict', 'modified', { code: 409 });
      }
      return store(lease);
    },
  };

  return {
    lease: () => held,
    put: (lease) => {
      store(lease);
    },
    connect: () => {
      let cut: 'requests' | 'answers' | undefined;
      const through =
        <A extends unknown[]>(verb: (...args: A) => Lease) =>
        async (...args: A): Promise<Lease> => {
          await Promise.resolve();
          if (cut === 'requests') throw new KubeError('Unreachable', 'partition');
          const result = verb(...args);
          if (cut === 'answers') throw new KubeError('Timeout', 'no answer');
          return result;
        };
      const client = { get: through(verbs.get), create: through(verbs.create), replace: through(verbs.replace) };
      return {
        client: client as unknown as LeaseClient['client'],
        cut: (what) => {
          cut = what;
        },
      };
    },
  };
};
