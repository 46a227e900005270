import { readFileSync } from 'node:fs';
import type { Pod } from '../../../../src/api/pod.ts';
import type { Cluster } from '../cluster.ts';
import { uniqueName } from '../names.ts';
import { type Reach, reach } from './reach.ts';

/** A namespace without policies. */
export const OPEN_NAMESPACE = 'default';

const LISTEN = readFileSync(new URL('listen.py', import.meta.url), 'utf8');

/** A pod that no policy selects, which listens and connects. */
export interface UnselectedPod {
  readonly address: string;
  readonly reach: (targets: readonly string[]) => Promise<Readonly<Record<string, Reach>>>;
}

/** Runs `act` with a pod of `image` that listens on `ports`; afterwards the pod is gone. */
export const withUnselectedPod = async (
  { kubectl }: Cluster,
  image: string,
  ports: readonly number[],
  act: (pod: UnselectedPod) => Promise<void>,
): Promise<void> => {
  const name = uniqueName('unselected');
  const inNamespace = `--namespace=${OPEN_NAMESPACE}`;
  await kubectl.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: OPEN_NAMESPACE },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['python3', '-c', LISTEN, ...ports.map(String)],
          ...(ports[0] === undefined ? {} : { readinessProbe: { tcpSocket: { port: ports[0] }, periodSeconds: 1 } }),
        },
      ],
    },
  });
  try {
    await kubectl.run([inNamespace, 'wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s'], {
      deadlineMs: 70_000,
    });
    const { status } = await kubectl.json<Pod>([inNamespace, 'get', `pod/${name}`]);
    const python = (program: string, args: readonly string[]): Promise<string> =>
      kubectl.run([inNamespace, 'exec', '-i', name, '--', 'python3', '-', ...args], { stdin: program });
    await act({ address: status?.podIP ?? '', reach: (targets) => reach(python, targets) });
  } finally {
    await kubectl.run([inNamespace, 'delete', `pod/${name}`, '--timeout=60s'], { deadlineMs: 70_000 });
  }
};
