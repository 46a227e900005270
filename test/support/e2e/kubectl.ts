import type { KubeObject } from '../../../src/api/meta.ts';
import { type CommandResult, runCommand, succeed } from './command.ts';

export interface KubectlOptions {
  readonly stdin?: string;
  /** Milliseconds; 30 s unless given. */
  readonly deadlineMs?: number;
}

/** kubectl with the tests' cluster; its context's namespace is the sandboxes' one. */
export interface Kubectl {
  /** stdout; any exit code but 0 is a CommandError with both outputs. */
  readonly run: (args: readonly string[], options?: KubectlOptions) => Promise<string>;
  /** Whatever the exit code is. */
  readonly attempt: (args: readonly string[], options?: KubectlOptions) => Promise<CommandResult>;
  /** `kubectl … -o json`, parsed. */
  readonly json: <T>(args: readonly string[], options?: KubectlOptions) => Promise<T>;
  /** The object, or undefined where there is none. `target` as in `sbx/demo`. */
  readonly find: <T extends KubeObject>(target: string) => Promise<T | undefined>;
  /** A merge patch. `target` as in `sbx/demo`. */
  readonly merge: (target: string, change: object) => Promise<string>;
  /** `kubectl create` of objects built here. */
  readonly create: (...objects: readonly object[]) => Promise<string>;
}

export const makeKubectl = (signal: AbortSignal): Kubectl => {
  const settings = ({ stdin, deadlineMs = 30_000 }: KubectlOptions = {}) => ({ stdin, deadlineMs, signal });
  const run: Kubectl['run'] = async (args, options) =>
    (await succeed('kubectl', args, settings(options))).stdout.toString();
  return Object.freeze<Kubectl>({
    run,
    attempt: (args, options) => runCommand('kubectl', args, settings(options)),
    json: async <T>(args: readonly string[], options?: KubectlOptions) =>
      JSON.parse(await run([...args, '-o', 'json'], options)) as T,
    find: async <T extends KubeObject>(target: string) => {
      const found = await run(['get', target, '--ignore-not-found', '-o', 'json']);
      return found === '' ? undefined : (JSON.parse(found) as T);
    },
    merge: (target, change) => run(['patch', target, '--type=merge', '-p', JSON.stringify(change)]),
    create: (...objects) =>
      run(['create', '-f', '-'], {
        stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      }),
  });
};
