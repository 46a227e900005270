import { run } from './command.ts';
import type { Cluster } from './cluster/cluster.ts';
import { SYSTEM_NAMESPACE } from './kustomization.ts';
import { daemonEnvironment, type Local } from './local.ts';
import { freePort } from './s3-server.ts';
import type { StepContext } from './step.ts';
import { waitFor } from './wait.ts';

export const PORT_FORWARD_DAEMON = 'port-forward';
const USUAL_PORT = 8000;

/**
 * Where this machine reaches the facade: at its Service's cluster address, which kube-proxy serves on a node and
 * nowhere else; where this machine is no node, through a port-forward on loopback.
 */
export const openFacade = async (local: Local, cluster: Cluster, context: StepContext): Promise<string> => {
  const address = await run(
    [...cluster.kubectl, '-n', SYSTEM_NAMESPACE, 'get', 'service', 'matrx-facade', '-o', 'jsonpath={.spec.clusterIP}'],
    { env: local.env },
  );
  const direct = `http://${address}`;
  // A cluster made here answers at once; of another nobody knows whether it can be reached at all.
  const patience = cluster.runtime === cluster.ready ? 5000 : 30_000;
  try {
    await waitForHealth(local, direct, patience, context);
    return direct;
  } catch (error) {
    if (patience > 5000) throw error;
  }
  const running = await local.daemons.isAlive(PORT_FORWARD_DAEMON);
  const port = running ? USUAL_PORT : await freePort(USUAL_PORT);
  await local.daemons.ensure({
    name: PORT_FORWARD_DAEMON,
    argv: [...cluster.kubectl, '-n', SYSTEM_NAMESPACE, 'port-forward', 'service/matrx-facade', `${port}:80`],
    env: daemonEnvironment(local),
  });
  const forwarded = `http://127.0.0.1:${port}`;
  await waitForHealth(local, forwarded, 30_000, context);
  return forwarded;
};

const waitForHealth = (local: Local, url: string, deadlineMs: number, context: StepContext): Promise<true> =>
  waitFor(
    async () => {
      const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(3000) });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`GET ${url}/health is answered with ${response.status}`);
      return true as const;
    },
    { clock: local.clock, what: `the facade at ${url}`, deadlineMs, signal: context.signal },
  );
