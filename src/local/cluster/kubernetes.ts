import { mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { claimKubeletRoot } from '../kubelet-root.ts';
import { buildGoProgram, locateGoProgram } from '../go-build.ts';
import { daemonEnvironment, type Local } from '../local.ts';
import { CLUSTER_FILES, CLUSTER_PROGRAMS, installPackages, missingPackages } from '../packages.ts';
import { KUBELET_ROOT } from '../paths.ts';
import { step, type StepContext } from '../step.ts';
import { waitForDaemon } from '../wait-for-daemon.ts';
import { KUBERNETES_VERSION, kubeProgram } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { refuseForeignKubelet } from './facts.ts';
import { ensureCertificates } from './certificates.ts';
import { cniConflist } from './cni.ts';
import { COMPONENTS, COMPONENT_CLIENTS, componentCommands, type ComponentName } from './components.ts';
import { containerdConfig } from './containerd.ts';
import { prepareHost, recordHost } from './host.ts';
import { clientKubeconfig } from './kubeconfig.ts';
import { kubeletConfig } from './kubelet-config.ts';
import { NODE_NAME } from './network.ts';
import { PAUSE_IMAGE, buildPauseArchive } from './pause.ts';
import { findResolver } from './resolv-conf.ts';

/** The folders of a cluster that is built here. */
export const kubernetesFolders = (local: Local) => {
  const { cluster, run: runDir, bin } = local.paths;
  return Object.freeze({
    kube: join(bin, 'kube'),
    kubectl: join(bin, 'kubectl'),
    etcdData: join(cluster, 'etcd'),
    configuration: join(cluster, 'configuration'),
    containerdConfig: join(cluster, 'containerd.toml'),
    containerd: {
      root: join(cluster, 'containerd'),
      state: join(runDir, 'containerd'),
      socket: join(runDir, 'containerd.sock'),
      cniConf: join(cluster, 'cni/net.d'),
      cniBin: '/usr/lib/cni',
    },
    cniData: join(cluster, 'cni/addresses'),
  });
};

/** `ctr` for the containerd of a cluster that is built here. */
export const kubernetesCtr = (local: Local): readonly [string, ...string[]] => [
  'ctr',
  `--address=${kubernetesFolders(local).containerd.socket}`,
  '--namespace=k8s.io',
];

const PROGRAMS = 'Kubernetes programs';
const RUNTIME = 'container runtime';
const READY = 'cluster';

/** Kubernetes built from its own Go modules, with the distribution's containerd, runc and CNI plugins. */
export const kubernetesCluster = (local: Local): Cluster => ({
  steps: [
    step(
      'system packages',
      [],
      (context) => ensurePackages(local, context),
      'install the named packages with the package tool of this system, then run this again',
    ),
    step(
      PROGRAMS,
      [],
      (context) => ensurePrograms(local, context),
      'Go 1.21 or newer must be on PATH and must reach a Go module proxy (GOPROXY); then run this again',
    ),
    step(
      RUNTIME,
      ['system packages'],
      (context) => startContainerd(local, context),
      `see ${local.daemons.logOf('containerd')}; \`down\`, then \`up\`, starts it afresh`,
    ),
    step(
      'control plane',
      [PROGRAMS, RUNTIME],
      (context) => startControlPlane(local, context),
      `see the logs of etcd and kube-apiserver in ${local.paths.logs}; a port that is in use is named there`,
    ),
    step(
      READY,
      ['control plane'],
      (context) => startNode(local, context),
      `see the logs of kubelet and containerd in ${local.paths.logs}`,
    ),
  ],
  ready: READY,
  runtime: RUNTIME,
  kubectl: kubernetesKubectl(local),
  ctr: kubernetesCtr(local),
});

const ensurePackages = async (local: Local, context: StepContext): Promise<string> => {
  const missing = await missingPackages(CLUSTER_PROGRAMS, CLUSTER_FILES, local.env.PATH ?? '');
  if (missing.length === 0) return 'all there';
  context.report(`installing ${missing.join(' ')}`);
  await installPackages(missing, { env: local.env, isRoot: local.isRoot, log: context.log, onLine: context.report });
  return `installed ${missing.join(' ')}`;
};

const ensurePrograms = async (local: Local, context: StepContext): Promise<string> => {
  const program = kubeProgram(local.project);
  const { path, exists } = await locateGoProgram(program, local.paths.cache, local.env);
  if (!exists) {
    context.report(`building ${KUBERNETES_VERSION} from its modules`);
    await buildGoProgram(program, path, { env: local.env, log: context.log, onLine: context.report });
  }
  await mkdir(local.paths.bin, { recursive: true });
  const { kube, kubectl } = kubernetesFolders(local);
  for (const link of [kube, kubectl]) {
    await rm(link, { force: true });
    await symlink(path, link);
  }
  return `${KUBERNETES_VERSION}, ${exists ? 'built before' : 'built'}: ${path}`;
};

const startContainerd = async (local: Local, context: StepContext): Promise<string> => {
  const { containerd, containerdConfig: configPath, cniData } = kubernetesFolders(local);
  await refuseForeignKubelet(local);
  await recordHost(local.paths.state);
  await prepareHost(context.log);
  for (const folder of [containerd.root, containerd.state, containerd.cniConf, cniData]) {
    await mkdir(folder, { recursive: true, mode: 0o711 });
  }
  const conflist = cniConflist(cniData);
  const configuration = containerdConfig(containerd, PAUSE_IMAGE);
  await writeFile(join(containerd.cniConf, '10-matrx.conflist'), conflist);
  await writeFile(configPath, configuration);
  const started = await local.daemons.ensure({
    name: 'containerd',
    argv: ['containerd', `--config=${configPath}`],
    env: daemonEnvironment(local),
    configuration: configuration + conflist,
  });
  const ctr = kubernetesCtr(local);
  const list = (): Promise<string> => run([...ctr, 'images', 'ls', '-q'], { env: local.env });
  const images = await waitForDaemon(local, ['containerd'], list, {
    what: 'containerd',
    deadlineMs: 30_000,
    signal: context.signal,
  });
  if (!images.split('\n').includes(PAUSE_IMAGE)) {
    const archive = join(local.paths.cluster, 'pause.tar');
    await writeFile(archive, await buildPauseArchive(join(local.paths.cluster, 'pause'), context.log));
    await run([...ctr, 'images', 'import', archive], { env: local.env, log: context.log });
  }
  return started ? 'containerd started' : 'containerd runs';
};

/** Starts one component; resolves with whether it had to be started. */
const startComponent = async (local: Local, name: ComponentName): Promise<boolean> => {
  const folders = kubernetesFolders(local);
  const argv = componentCommands({
    kube: folders.kube,
    certificates: local.paths.certificates,
    etcdData: folders.etcdData,
    configuration: folders.configuration,
    kubeletRoot: KUBELET_ROOT,
  })[name];
  const file = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const client = name.replace(/^kube-(?!proxy)/, '');
  const [plan, kubeconfig, kubelet, program] = await Promise.all([
    file(join(local.paths.certificates, 'cluster-ca.crt')),
    file(join(folders.configuration, `${client}.kubeconfig`)),
    name === 'kubelet' ? file(join(folders.configuration, 'kubelet.json')) : '',
    readlink(folders.kube),
  ]);
  return local.daemons.ensure({
    name,
    argv,
    env: daemonEnvironment(local),
    configuration: [program, plan, kubeconfig, kubelet].join('\n'),
  });
};

const startControlPlane = async (local: Local, context: StepContext): Promise<string> => {
  const folders = kubernetesFolders(local);
  context.report('certificates');
  await ensureCertificates(local.paths.certificates, context.log);
  await mkdir(folders.configuration, { recursive: true, mode: 0o700 });
  await mkdir(folders.etcdData, { recursive: true, mode: 0o700 });
  for (const client of COMPONENT_CLIENTS) {
    const content = await clientKubeconfig(local.paths.certificates, client);
    await writeFile(join(folders.configuration, `${client}.kubeconfig`), content, { mode: 0o600 });
  }
  const admin = await clientKubeconfig(local.paths.certificates, 'admin', { namespace: 'sandboxes' });
  await writeFile(local.paths.kubeconfig, admin, { mode: 0o600 });

  context.report('etcd and the API server');
  const started: string[] = [];
  for (const name of COMPONENTS.slice(0, 2)) if (await startComponent(local, name)) started.push(name);
  await waitForApi(local, context);
  for (const name of COMPONENTS.slice(2, 4)) if (await startComponent(local, name)) started.push(name);
  return started.length === 0 ? 'all parts run' : `started ${started.join(', ')}`;
};

const waitForApi = (local: Local, context: StepContext): Promise<unknown> =>
  waitForDaemon(
    local,
    ['etcd', 'kube-apiserver'],
    () => run([...kubernetesKubectl(local), 'get', '--raw=/readyz'], { env: local.env, timeoutMs: 10_000 }),
    { what: 'the API server', deadlineMs: 120_000, everyMs: 500, signal: context.signal },
  );

/** kubectl as the administrator of a cluster that is built here. */
export const kubernetesKubectl = (local: Local): readonly [string, ...string[]] => [
  kubernetesFolders(local).kubectl,
  `--kubeconfig=${local.paths.kubeconfig}`,
];

const startNode = async (local: Local, context: StepContext): Promise<string> => {
  const folders = kubernetesFolders(local);
  await claimKubeletRoot(local);
  const resolver = await findResolver();
  const configuration = kubeletConfig({
    certificates: local.paths.certificates,
    containerdSocket: folders.containerd.socket,
    resolvConf: resolver.path,
    clusterDns: resolver.servers,
  });
  await writeFile(join(folders.configuration, 'kubelet.json'), configuration, { mode: 0o600 });
  for (const name of COMPONENTS.slice(4)) await startComponent(local, name);
  context.report('waiting for the node to be ready');
  const kubectl = kubernetesKubectl(local);
  await waitForDaemon(
    local,
    ['kubelet', 'kube-proxy'],
    async () => {
      const ready = '{.status.conditions[?(@.type=="Ready")].status} {.spec.podCIDR}';
      const output = await run([...kubectl, 'get', 'node', NODE_NAME, '-o', `jsonpath=${ready}`], { env: local.env });
      if (!output.startsWith('True 10.')) throw new Error(`node ${NODE_NAME}: Ready=${output}`);
      return true;
    },
    { what: 'the node', deadlineMs: 120_000, everyMs: 500, signal: context.signal },
  );
  await run([...kubectl, 'uncordon', NODE_NAME], { env: local.env, log: context.log });
  return `${NODE_NAME} is ready`;
};
