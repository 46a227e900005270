import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeClient } from '../../../src/kube/client.ts';
import { loadClusterAccess } from '../../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import { controllerWrites, writesByResource } from './api-server-metrics.ts';
import { type ControlPlane, type Programs, startFakeCluster, stopFakeCluster } from './control-plane.ts';
import { type ControllerProcess, startController } from './controller-process.ts';
import { parsePrometheusText } from './prometheus-text.ts';

export interface BenchOptions {
  readonly folder: string;
  readonly programs: Programs;
  readonly nodes: number;
  readonly nodeArguments: readonly string[];
  readonly say: (line: string) => void;
}

/** A control plane with its controller, and the benchmark's own access to it. */
export interface Bench {
  readonly kube: KubeClient;
  readonly controller: ControllerProcess;
  readonly counted: () => Promise<Counted>;
  readonly say: (line: string) => void;
  readonly close: () => Promise<void>;
}

/** What the API server has counted since its start. */
export interface Counted {
  /** Of the controller, in the sandboxes' namespace. */
  readonly controllerWrites: number;
  /** Of everybody, by verb and resource. */
  readonly writes: ReadonlyMap<string, number>;
}

/** As many requests as the benchmark has under way at a time, and its watches. */
const CONNECTIONS = 40;

export const openBench = async ({ folder, programs, nodes, nodeArguments, say }: BenchOptions): Promise<Bench> => {
  say('── a control plane of its own');
  const plane: ControlPlane = await startFakeCluster(folder, programs, nodes);
  const kube = makeKubeClient({
    access: loadClusterAccess({ kubeconfig: plane.local.paths.kubeconfig }),
    userAgent: 'matrx-sandbox/bench',
    callConnections: CONNECTIONS,
    deadlineMs: 120_000,
  });
  const log = join(plane.local.paths.logs, 'controller.log');
  const controller = await startController({
    bundle: join(plane.local.project, 'dist/main.js'),
    kubeconfig: plane.controllerKubeconfig,
    log,
    nodeArguments,
  });
  return {
    kube,
    controller,
    say,
    counted: async () => {
      const samples = parsePrometheusText(await plane.kubectl(['get', '--raw=/metrics']));
      return { controllerWrites: controllerWrites(samples), writes: writesByResource(samples) };
    },
    close: async () => {
      await controller.stop();
      const warnings = (await readFile(log, 'utf8'))
        .split('\n')
        .filter((line) => /"level":"?(warn|error|fatal|40|50)/.test(line));
      for (const line of warnings.slice(0, 10)) say(`   controller: ${line.slice(0, 400)}`);
      await kube.close();
      await stopFakeCluster(plane);
    },
  };
};
