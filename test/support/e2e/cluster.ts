import { findCondition } from '../../../src/api/condition.ts';
import { standingOf } from '../../../src/api/standing.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { SANDBOX_CONTAINER } from '../../../src/api/names.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import type { Workspace } from '../../../src/api/workspace.ts';
import { workspaceName } from '../../../src/api/workspace-id.ts';
import { type ResourceType } from '../../../src/kube/client.ts';
import { SANDBOXES, WORKSPACES } from '../../../src/kube/resource-types.ts';
import type { Environment } from './environment.ts';
import { type Kubectl, makeKubectl } from './kubectl.ts';
import type { SandboxBuilder } from './sandbox-builder.ts';
import { watchUntil } from './watch-until.ts';

/** The one namespace that the product serves. */
export const NAMESPACE = 'sandboxes';

/** What a test does with the cluster. Everything ends at once when the test's signal is aborted. */
export interface Cluster {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly kubectl: Kubectl;
  /** Creates it; it is deleted after the test. Resolves with its name. */
  readonly create: (sandbox: SandboxBuilder) => Promise<string>;
  /** A Sandbox (`sandbox/x`) or another object (`pod/x`) that the test makes by other means: deleted after the test. */
  readonly own: (target: string) => void;
  /** Waits until the Sandbox is Ready; it fails at the deadline with its conditions. */
  readonly ready: (name: string, deadlineMs?: number) => Promise<Sandbox>;
  /** create, and then ready. */
  readonly start: (sandbox: SandboxBuilder, deadlineMs?: number) => Promise<string>;
  /** The first state of the Sandbox that `accept` holds for. */
  readonly until: (
    name: string,
    what: string,
    accept: (sandbox: Sandbox) => boolean,
    deadlineMs?: number,
  ) => Promise<Sandbox>;
  /** The first state of the user's Workspace that `accept` holds for. */
  readonly workspaceUntil: (
    userId: string,
    what: string,
    accept: (workspace: Workspace) => boolean,
    deadlineMs?: number,
  ) => Promise<Workspace>;
  /** The first state of any object in the sandboxes' namespace; `undefined` stands for "there is none". */
  readonly objectUntil: <T extends KubeObject>(
    type: ResourceType,
    name: string,
    what: string,
    accept: (object: T | undefined) => boolean,
    deadlineMs?: number,
  ) => Promise<T | undefined>;
  /** `kubectl delete`, which returns when the home is saved and the Sandbox is gone. */
  readonly remove: (name: string, deadlineMs?: number) => Promise<void>;
  /** Runs a bash script (errexit, nounset, pipefail) in the sandbox's home; stdout. `args` are `$1`, `$2`, … */
  readonly shell: (name: string, script: string, options?: ShellOptions) => Promise<string>;
  /** Runs a Python program in the sandbox; stdout. `args` are `sys.argv[1:]`. */
  readonly python: (name: string, program: string, options?: ShellOptions) => Promise<string>;
}

export interface ShellOptions {
  readonly args?: readonly string[];
  /** Milliseconds; 60 s unless given. */
  readonly deadlineMs?: number;
}

/** What hangs, and not what is slow: a machine may be busy with other things. */
const READY_WITHIN_MS = 150_000;
const CHANGE_WITHIN_MS = 60_000;
const DELETE_WITHIN_MS = 90_000;

/** `owned` collects what has to be deleted after the test, as `kind/name`. */
export const makeCluster = (environment: Environment, owned: Set<string>, signal: AbortSignal): Cluster => {
  const kubectl = makeKubectl(signal);

  const objectUntil: Cluster['objectUntil'] = (type, name, what, accept, deadlineMs = CHANGE_WITHIN_MS) =>
    watchUntil(what, { type, namespace: NAMESPACE, name }, accept, { deadlineMs, signal, describe: summary });

  const until: Cluster['until'] = async (name, what, accept, deadlineMs) =>
    present(
      await objectUntil<Sandbox>(SANDBOXES, name, what, (found) => found !== undefined && accept(found), deadlineMs),
    );

  const create: Cluster['create'] = async (sandbox) => {
    owned.add(`sandbox/${sandbox.name}`);
    await kubectl.create(sandbox.build());
    return sandbox.name;
  };
  const ready: Cluster['ready'] = (name, deadlineMs = READY_WITHIN_MS) =>
    until(name, 'the sandbox is Ready', isReady, deadlineMs);
  const execute = (name: string, command: readonly string[], options: ShellOptions, stdin?: string): Promise<string> =>
    kubectl.run(['exec', '-i', name, '-c', SANDBOX_CONTAINER, '--', ...command, ...(options.args ?? [])], {
      deadlineMs: options.deadlineMs ?? 60_000,
      ...(stdin === undefined ? {} : { stdin }),
    });

  return Object.freeze<Cluster>({
    environment,
    signal,
    kubectl,
    create,
    own: (target) => {
      owned.add(target);
    },
    ready,
    start: async (sandbox, deadlineMs) => {
      await create(sandbox);
      await ready(sandbox.name, deadlineMs);
      return sandbox.name;
    },
    until,
    workspaceUntil: async (userId, what, accept, deadlineMs) =>
      present(
        await objectUntil<Workspace>(
          WORKSPACES,
          workspaceName(userId),
          what,
          (found) => found !== undefined && accept(found),
          deadlineMs,
        ),
      ),
    objectUntil,
    remove: async (name, deadlineMs = DELETE_WITHIN_MS) => {
      await kubectl.run(['delete', `sandbox/${name}`, `--timeout=${Math.ceil(deadlineMs / 1000)}s`], {
        deadlineMs: deadlineMs + 10_000,
      });
      owned.delete(`sandbox/${name}`);
    },
    shell: (name, script, options = {}) =>
      execute(name, ['bash', '-euo', 'pipefail', '-c', `cd "$HOME"\n${script}`, 'bash'], options),
    python: (name, program, options = {}) => execute(name, ['python3', '-'], options, program),
  });
};

/** The reason of Ready or, at rest, of Stopped. */
export const standingReason = (sandbox: Sandbox): string | undefined => standingOf(sandbox.status?.conditions)?.reason;

/** Ready, and not the answer to an older spec. */
export const isReady = (sandbox: Sandbox): boolean =>
  findCondition(sandbox.status?.conditions, 'Ready')?.status === 'True';

const present = <T>(object: T | undefined): T => {
  if (object === undefined) throw new TypeError('watchUntil accepted an absent object');
  return object;
};

/** The status of an object, which is what a test that waited in vain wants to see. */
const summary = (object: KubeObject): string =>
  JSON.stringify({ deletionTimestamp: object.metadata.deletionTimestamp, ...(object as { status?: object }).status });
