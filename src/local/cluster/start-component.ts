import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { daemonEnvironment, type Local } from '../local.ts';
import { KUBELET_ROOT } from '../paths.ts';
import { auditLogPath, auditPolicyPath } from './audit.ts';
import { componentCommands, type ComponentName } from './components.ts';
import { kubernetesFolders } from './kubernetes-folders.ts';

/** Of the API server's work a quarter was garbage collection, with many watchers. */
export const LESS_COLLECTING = { GOGC: '300' };
const LESS_MEMORY = { GOMEMLIMIT: '1200MiB' };

export interface StartOptions {
  /** What is measured has the machine's memory, as at its limit the API server collects all the time, and is not audited. */
  readonly isMeasured?: boolean;
}

/** Starts one component; resolves with whether it had to be started. */
export const startComponent = async (
  local: Local,
  name: ComponentName,
  { isMeasured = false }: StartOptions = {},
): Promise<boolean> => {
  const folders = kubernetesFolders(local);
  const argv = componentCommands({
    kube: folders.kube,
    certificates: local.paths.certificates,
    etcdData: folders.etcdData,
    configuration: folders.configuration,
    kubeletRoot: KUBELET_ROOT,
    node: local.node,
    auditPolicy: auditPolicyPath(local.paths),
    auditLog: auditLogPath(local.paths),
  })[name];
  const file = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const client = name.replace(/^kube-(?!proxy)/, '');
  const own: Partial<Record<ComponentName, string>> = {
    kubelet: join(folders.configuration, 'kubelet.json'),
    'kube-apiserver': auditPolicyPath(local.paths),
  };
  const [plan, kubeconfig, special, program] = await Promise.all([
    file(join(local.paths.certificates, 'cluster-ca.crt')),
    file(join(folders.configuration, `${client}.kubeconfig`)),
    own[name] === undefined ? '' : file(own[name]),
    readlink(folders.kube),
  ]);
  const memory = name === 'kube-apiserver' && !isMeasured ? LESS_MEMORY : {};
  return local.daemons.ensure({
    name,
    argv,
    env: { ...daemonEnvironment(local), ...LESS_COLLECTING, ...memory },
    configuration: [program, plan, kubeconfig, special].join('\n'),
  });
};
