import { join } from 'node:path';

/** Where everything of the local installation lies. */
export interface LocalPaths {
  readonly state: string;
  readonly cache: string;
  readonly logs: string;
  readonly processes: string;
  readonly run: string;
  readonly kubeconfig: string;
  readonly cluster: string;
  readonly certificates: string;
  readonly s3: string;
  readonly install: string;
  readonly bin: string;
}

export const localPaths = (state: string, cache: string): LocalPaths =>
  Object.freeze({
    state,
    cache,
    logs: join(state, 'logs'),
    processes: join(state, 'processes'),
    run: join(state, 'run'),
    kubeconfig: join(state, 'kubeconfig'),
    cluster: join(state, 'cluster'),
    certificates: join(state, 'certificates'),
    s3: join(state, 's3'),
    install: join(state, 'install'),
    bin: join(state, 'bin'),
  });

/** kubelet's own root: the manifests mount it, so it is the standard one on every cluster. */
export const KUBELET_ROOT = '/var/lib/kubelet';
/** The homes that the node driver keeps on the node's disk. */
export const HOMES_ROOT = '/var/lib/matrx';
