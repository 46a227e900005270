import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { goTool } from '../../scripts/go-tools.ts';
import { succeed } from '../support/e2e/command.ts';

export const ROOT = join(import.meta.dirname, '../..');

/** An object as kustomize prints it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

/** The overlays and examples that are installed, each a folder from the project's root. */
export const INSTALLATIONS = [
  'manifests/overlays/dev',
  'manifests/overlays/aws-single-node',
  'manifests/overlays/aws-multi-node',
  'manifests/overlays/multi-node',
  'manifests/overlays/eks',
  'manifests/examples/install/multi-node',
  'manifests/examples/install/eks',
] as const;

/** What is printed by `kustomize build` of a folder, which is relative to the project's root or absolute. */
export const renderText = async (folder: string): Promise<string> => {
  const { stdout } = await succeed(await goTool('kustomize'), ['build', folder], { deadlineMs: 60_000, cwd: ROOT });
  return stdout.toString();
};

export const parseManifests = (text: string): readonly Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

export const render = async (folder: string): Promise<readonly Manifest[]> => parseManifests(await renderText(folder));

/** `Kind namespace/name`. */
export const nameOf = ({ kind, metadata: { name, namespace } }: Manifest): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
