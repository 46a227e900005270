import { LABEL_USER } from '../api/names.ts';
import type { Node } from '../api/node.ts';
import type { Pod } from '../api/pod.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import type { Workspace } from '../api/workspace.ts';
import { workspaceId } from '../api/workspace-id.ts';
import { standingOf } from '../api/standing.ts';
import { rfc3339, systemClock } from '../base/clock.ts';
import { loadControllerConfig } from '../config/controller.ts';
import { ConfigError } from '../config/load.ts';
import type { ConfigMap } from '../controller/storage-state.ts';
import type { Action } from '../domain/action.ts';
import { describeAction } from '../domain/describe-action.ts';
import { homeOf } from '../domain/home.ts';
import type { Installation, Observed } from '../domain/observed.ts';
import { plan } from '../domain/plan.ts';
import { bytesStored, sandboxesAhead, type UserUsage } from '../domain/user-quota.ts';
import type { KubeClient, KubeObject, ResourceType } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { makeKubeClient } from '../kube/make-kube-client.ts';
import { CONFIG_MAPS, NODES, PODS, SANDBOX_TEMPLATES, SANDBOXES, WORKSPACES } from '../kube/resource-types.ts';
import { listAll } from '../runtime/list-all.ts';
import { clusterAccess } from './cluster-access.ts';
import type { ExplainOptions } from './explain.ts';

/** The settings of the controller, as it is installed: what it tells sandboxes is a part of what it would do. */
const CONFIG = 'matrx-config';
const REQUEST_MS = 30_000;

/** Reads what the controller has in its caches, asks the same `plan`, and prints it. Resolves with the exit code. */
export const explainSandbox = async (target: string, options: ExplainOptions): Promise<number> => {
  try {
    const name = nameOf(target);
    const kube = makeKubeClient({ access: clusterAccess(options), userAgent: 'matrx-sandbox/cli' });
    try {
      const observed = await observe(kube, name, options);
      const actions = plan(observed);
      const text =
        options.json === true
          ? JSON.stringify({ ...summaryOf(observed), why: why(observed, actions), plan: actions }, undefined, 2)
          : explanationOf(observed, actions).join('\n');
      process.stdout.write(`${text}\n`);
      return 0;
    } finally {
      await kube.close();
    }
  } catch (error) {
    if (!(error instanceof ConfigError) && !isKubeError(error)) throw error;
    process.stderr.write(`matrx explain: ${error.message}\n`);
    return 1;
  }
};

const nameOf = (target: string): string => {
  const [, name] =
    /^(?:(?:sbx|sandbox|sandboxes|sandboxes\.matrx\.dev)\/)?([a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/.exec(target) ?? [];
  if (name !== undefined) return name;
  throw new ConfigError(`${JSON.stringify(target)} names no Sandbox: give sbx/NAME, as \`kubectl get sbx\` lists it`);
};

const observe = async (
  kube: KubeClient,
  name: string,
  { namespace, systemNamespace }: ExplainOptions,
): Promise<Observed> => {
  const signal = AbortSignal.timeout(REQUEST_MS);
  const find = async <T extends KubeObject>(
    type: ResourceType,
    wanted: string,
    where: string,
  ): Promise<T | undefined> => {
    try {
      return await kube.get<T>({ type, namespace: where, name: wanted }, { signal });
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  const sandbox = await find<Sandbox>(SANDBOXES, name, namespace);
  if (sandbox === undefined) {
    throw new ConfigError(
      `there is no Sandbox ${name} in the namespace ${namespace}: \`kubectl get sbx -A\` lists all`,
    );
  }
  const home = homeOf(sandbox);
  const [template, workspace, pod, nodes, installation] = await Promise.all([
    find<SandboxTemplate>(SANDBOX_TEMPLATES, sandbox.spec.templateRef.name, namespace),
    home.kind === 'workspace' ? find<Workspace>(WORKSPACES, home.name, namespace) : undefined,
    find<Pod>(PODS, name, namespace),
    kube.list<Node>(NODES, {}, { signal }),
    find<ConfigMap>(CONFIG_MAPS, CONFIG, systemNamespace),
  ]);
  const settings = installationOf(installation?.data);
  const usage =
    settings.userQuota === undefined || home.kind === 'invalid'
      ? undefined
      : await usageOf(kube, sandbox, namespace, signal);
  const byName = new Map(nodes.items.map((node) => [node.metadata.name, node]));
  return {
    now: systemClock.now(),
    sandbox,
    template,
    workspace,
    pod,
    nodes: { get: (node) => byName.get(node), values: () => nodes.items },
    installation: settings,
    ...(usage === undefined ? {} : { usage }),
  };
};

/** The same that the controller works out of its caches. */
const usageOf = async (
  kube: KubeClient,
  sandbox: Sandbox,
  namespace: string,
  signal: AbortSignal,
): Promise<UserUsage> => {
  const { userId } = sandbox.spec;
  const ofUser = { namespace, fieldSelector: `spec.userId=${userId}` };
  const [sandboxes, workspaces, pods] = await Promise.all([
    listAll<Sandbox>(kube, SANDBOXES, ofUser, signal),
    listAll<Workspace>(kube, WORKSPACES, ofUser, signal),
    listAll<Pod>(kube, PODS, { namespace, labelSelector: `${LABEL_USER}=${workspaceId(userId)}` }, signal),
  ]);
  const withPod = new Set(pods.items.map(({ metadata }) => metadata.name));
  return {
    sandboxes: sandboxesAhead(
      sandbox,
      sandboxes.items,
      ({ metadata }) => withPod.has(metadata.name),
      systemClock.now(),
    ),
    bytes: bytesStored(workspaces.items),
  };
};

const installationOf = (settings: Readonly<Record<string, string>> = {}): Installation =>
  loadControllerConfig({ ...settings }).installation;

/** What is seen, in the order in which it decides. */
const summaryOf = ({ now, sandbox, template, workspace, pod }: Observed) => ({
  observedAt: rfc3339(now),
  sandbox: {
    name: sandbox.metadata.name,
    uid: sandbox.metadata.uid,
    generation: sandbox.metadata.generation,
    observedGeneration: sandbox.status?.observedGeneration,
    userId: sandbox.spec.userId,
    desiredState: sandbox.spec.desiredState,
    deletionTimestamp: sandbox.metadata.deletionTimestamp,
    phase: sandbox.status?.phase,
    stopReason: sandbox.status?.stopReason,
    expiresAt: sandbox.status?.expiresAt,
    conditions: sandbox.status?.conditions ?? [],
  },
  template: template === undefined ? null : { name: template.metadata.name, generation: template.metadata.generation },
  workspace:
    workspace === undefined
      ? null
      : { name: workspace.metadata.name, writer: workspace.status?.writer, session: workspace.status?.session },
  pod:
    pod === undefined
      ? null
      : {
          name: pod.metadata.name,
          uid: pod.metadata.uid,
          node: pod.spec?.nodeName,
          phase: pod.status?.phase,
          deletionTimestamp: pod.metadata.deletionTimestamp,
        },
});

/** Ready, or Stopped, as it stands, or as it is about to be written: its message is the reason in words. */
const why = ({ sandbox }: Observed, actions: readonly Action[]): string => {
  const written = actions.find((action) => action.kind === 'writeSandboxStatus');
  const ready = standingOf((written?.status ?? sandbox.status)?.conditions);
  return ready === undefined ? 'it is being taken up' : `${ready.reason}: ${ready.message}`;
};

const explanationOf = (observed: Observed, actions: readonly Action[]): readonly string[] => {
  const { sandbox, template, workspace, pod } = summaryOf(observed);
  const { spec } = observed.sandbox;
  const writer = workspace?.writer;
  const session = workspace?.session;
  const home = homeOf(observed.sandbox);
  return [
    `Sandbox ${observed.sandbox.metadata.namespace}/${sandbox.name}`,
    row(
      'asked',
      `${sandbox.desiredState}, generation ${sandbox.generation}, of user ${sandbox.userId}${sandbox.deletionTimestamp === undefined ? '' : `, to be deleted since ${sandbox.deletionTimestamp}`}`,
    ),
    row(
      'said',
      `${sandbox.phase ?? 'nothing yet'}, of generation ${sandbox.observedGeneration ?? 'none'}${sandbox.expiresAt === undefined ? '' : `, until ${sandbox.expiresAt}`}`,
    ),
    ...sandbox.conditions.map(({ type, status, reason, message }) =>
      row('', `${type}=${status} ${reason}: ${message}`),
    ),
    row(
      'template',
      template === null
        ? `${spec.templateRef.name}, which does not exist`
        : `${template.name}, generation ${template.generation}`,
    ),
    row(
      'home',
      home.kind === 'workspace'
        ? `Workspace ${home.name}${workspace === null ? ', which does not exist yet' : ''}`
        : home.kind,
    ),
    ...(workspace === null
      ? []
      : [
          row('writer', writer === undefined ? 'nobody' : `${writer.sandbox}, epoch ${writer.epoch}`),
          row(
            'session',
            session === undefined ? 'none' : `${session.state}, epoch ${session.epoch}, on node ${session.node}`,
          ),
        ]),
    row(
      'pod',
      pod === null
        ? 'none'
        : `${pod.name}, ${pod.phase ?? 'no phase'}, on ${pod.node === undefined ? 'no node' : `node ${pod.node}`}${pod.deletionTimestamp === undefined ? '' : `, ending since ${pod.deletionTimestamp}`}`,
    ),
    '',
    `Why: ${why(observed, actions)}`,
    '',
    ...(actions.length === 0
      ? ['Plan: nothing, until something changes']
      : ['Plan:', ...actions.map((action, at) => `  ${at + 1}. ${describeAction(action)}`)]),
  ];
};

const row = (name: string, text: string): string => `  ${name.padEnd(9)}${text}`;
