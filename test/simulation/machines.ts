import type { Pod } from '../../src/api/pod.ts';
import { rfc3339 } from '../../src/base/clock.ts';
import { isReady } from '../../src/domain/node-loss.ts';
import type { KubeClient, KubeObject, ResourceType } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { NetworkDeps } from '../controller/world.ts';
import { type ModelNode, NODE_NAMES, type NodeName } from '../domain/model/node.ts';
import { must } from '../domain/model/broken.ts';
import type { ApiServer } from '../support/model-api-server/api-server.ts';
import { makeModelClient } from '../support/model-api-server/client.ts';
import { NAMESPACE } from '../support/resources.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { type Bucket, makeBucket } from './bucket.ts';
import { type Disk, type Driver, makeDisk, startDriver } from './driver.ts';
import { type Kubelet, makeKubelet, patchStatus } from './kubelet.ts';
import type { Network } from './network.ts';

/** Two nodes whose drivers are the real ones; scheduler, kubelets, disks and bucket are played. */
export interface Machines extends ModelNode {
  readonly start: () => Promise<void>;
  /** A driver's process is killed, and another takes its place. */
  readonly restartDriver: (node: NodeName) => Promise<void>;
  /** What agents have written: nothing of it is ever lost, and in the end nothing of it is on a node alone. */
  readonly checkFiles: () => void;
  readonly stop: () => Promise<void>;
}

interface Machine {
  readonly disk: Disk;
  readonly kubelet: Kubelet;
  driver: Driver | undefined;
  reachable: boolean;
}

export const makeMachines = (
  { api, clock }: NetworkDeps,
  network: Network,
  seed: number,
  tamper: (client: KubeClient) => KubeClient = (client) => client,
): Machines => {
  const bucket = makeBucket(clock);
  const random = makeSeededRandom(seed);
  const written: string[] = [];
  const machines = new Map<string, Machine>();
  const dead: Pick<Driver, 'publish' | 'unpublish'> = {
    publish: () => Promise.reject(new Error('the driver is not there')),
    unpublish: () => Promise.reject(new Error('the driver is not there')),
  };

  const grace = (): number => (random.float() < 0.5 ? 0 : Math.floor(random.float() * 20_000));

  for (const node of NODE_NAMES) {
    api.create('nodes', { metadata: { name: node }, status: readiness('True', api.now()) });
    const driver = (): Driver => (machines.get(node)?.driver ?? dead) as Driver;
    const kubelet = makeKubelet({ api, clock, node, driver, grace });
    machines.set(node, { disk: makeDisk(), kubelet, driver: undefined, reachable: true });
  }
  const isAlive = (name: string | undefined): boolean => {
    const node = api.newest().nodes.get(name ?? '');
    return node !== undefined && isReady(node);
  };
  const turn = (name: NodeName, status: 'True' | 'Unknown'): void => {
    const machine = machines.get(name);
    if (machine !== undefined) machine.reachable = status === 'True';
    if (isAlive(name) === (status === 'True')) return;
    api.update('nodes', name, (node) => ({ ...node, status: readiness(status, api.now()) }));
  };
  const startOn = async (node: string, machine: Machine): Promise<void> => {
    const model = network.between(makeModelClient(api, { fate: network.fate, clock }), { api, clock });
    const kube = tamper(asNode(model, () => machine.reachable));
    machine.driver = await startDriver({ kube, bucket, disk: machine.disk, node, clock, random });
  };

  /** Scheduler and garbage collector. */
  const stepPod = (pod: Pod): boolean => {
    const { name, uid = '', deletionTimestamp } = pod.metadata;
    if (deletionTimestamp === undefined && isOrphan(api, pod)) {
      api.delete('pods', name, { uid });
      return true;
    }
    if (pod.spec?.nodeName !== undefined || deletionTimestamp !== undefined) return false;
    const nodeName = NODE_NAMES.find(isAlive);
    if (nodeName === undefined) return false;
    api.update('pods', name, (newest) => ({ ...newest, spec: { ...newest.spec, nodeName } }));
    patchStatus(api, pod, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] });
    return true;
  };

  const homeOf = (name: string): { readonly machine: Machine; readonly home: string } | undefined => {
    for (const machine of machines.values()) {
      const home = machine.disk.mounted.get(machine.kubelet.targetOf(name) ?? '');
      if (home !== undefined) return { machine, home };
    }
    return undefined;
  };

  return {
    bucket,
    start: async () => {
      for (const [node, machine] of machines) await startOn(node, machine);
    },
    restartDriver: async (node) => {
      const machine = machines.get(node);
      if (machine?.driver === undefined) return;
      const { driver } = machine;
      machine.driver = undefined;
      await driver.kill();
      await startOn(node, machine);
    },
    homes: () => [...machines.values()].flatMap(({ kubelet }) => kubelet.podNames()),
    step: (name) => {
      for (const [node, { kubelet }] of machines) if (isAlive(node) && kubelet.step(name)) return true;
      const pod = api.newest().pods.get(name);
      return pod !== undefined && stepPod(pod);
    },
    write: (name) => {
      const found = homeOf(name);
      if (found === undefined) return;
      const file = `file-${written.length}`;
      found.machine.disk.homes.get(found.home)?.files.add(file);
      written.push(file);
    },
    evict: (name) => {
      const pod = api.newest().pods.get(name);
      if (pod === undefined || !isAlive(pod.spec?.nodeName)) return;
      patchStatus(api, pod, { phase: 'Failed', reason: 'Evicted', conditions: [] });
    },
    fence: (name) => {
      const sandbox = api.newest().sandboxes.get(name);
      if (sandbox !== undefined) bucket.fenceOf(sandbox.spec.userId);
    },
    silence: (name) => turn(name, 'Unknown'),
    returns: (name) => turn(name, 'True'),
    checkFiles: () => checkFiles(bucket, written),
    stop: async () => {
      for (const { kubelet, driver } of machines.values()) {
        kubelet.stop();
        await driver?.kill();
      }
    },
  };
};

const checkFiles = (bucket: Bucket, written: readonly string[]): void => {
  must(bucket.wrongs.length === 0, 'what was saved is not safe', bucket.wrongs);
  const lost = written.filter((file) => !bucket.isInHead(file) && !bucket.isInConflict(file));
  must(lost.length === 0, 'files are neither in HEAD nor below conflicts/', lost);
};

/** Owned, and all its owners are gone: also what was made after that. */
const isOrphan = (api: ApiServer, { metadata }: Pod): boolean =>
  metadata.ownerReferences?.every((owner) => api.newest().sandboxes.get(owner.name)?.metadata.uid !== owner.uid) ??
  false;

const readiness = (status: 'True' | 'Unknown', now: number) => ({
  conditions: [{ type: 'Ready', status, lastTransitionTime: rfc3339(now) }],
});

/** The client of a node: it reviews the tokens that the kubelets make up, and has no answer while the node is cut off. */
const asNode = (client: KubeClient, isReachable: () => boolean): KubeClient => {
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    if (!isReachable()) throw new KubeError('Unreachable', 'the node is cut off');
    return call();
  };
  return {
    ...client,
    get: (ref, options) => through(() => client.get(ref, options)),
    list: (type, query, options) => through(() => client.list(type, query, options)),
    jsonPatch: (ref, patch, options) => through(() => client.jsonPatch(ref, patch, options)),
    mergePatch: (ref, patch, options) => through(() => client.mergePatch(ref, patch, options)),
    create: <T extends KubeObject>(
      type: ResourceType,
      namespace: string | undefined,
      object: T,
      options?: Parameters<KubeClient['create']>[3],
    ) =>
      through(async () =>
        type.kind === 'TokenReview' ? (reviewed(object) as T) : client.create<T>(type, namespace, object, options),
      ),
  };
};

const reviewed = (review: KubeObject): KubeObject => {
  const { token } = (review as unknown as { readonly spec: { readonly token: string } }).spec;
  const { name, uid } = JSON.parse(token) as { readonly name: string; readonly uid: string };
  const extra = {
    'authentication.kubernetes.io/pod-name': [name],
    'authentication.kubernetes.io/pod-uid': [uid],
  };
  const user = { username: `system:serviceaccount:${NAMESPACE}:default`, extra };
  return { ...review, status: { authenticated: true, audiences: ['workspace.matrx.dev'], user } } as KubeObject;
};
