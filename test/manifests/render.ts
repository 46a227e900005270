import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
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

/** The folders below one of the project's, each from the project's root: what is added to it cannot be forgotten. */
const foldersOf = (parent: string): readonly string[] =>
  readdirSync(join(ROOT, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${parent}/${name}`)
    .toSorted();

export const OVERLAYS = foldersOf('manifests/overlays');
export const COMPONENTS = foldersOf('manifests/components');
/** The overlays and examples that are installed. */
export const INSTALLATIONS = [...OVERLAYS, ...foldersOf('manifests/examples/install')];

/**
 * Calls `use` with a folder that kustomize takes for the component: the base with it or, for what is applied by itself, its
 * own. The folder is removed afterwards.
 */
export const withComponent = async <T>(component: string, use: (folder: string) => Promise<T>): Promise<T> => {
  const { kind } = parse(await readFile(join(ROOT, component, 'kustomization.yaml'), 'utf8')) as Manifest;
  if (kind !== 'Component') return use(component);
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'matrx-component-'));
  try {
    // kustomize takes no absolute path.
    const from = (path: string): string => relative(folder, join(ROOT, path));
    const kustomization = { resources: [from('manifests/base')], components: [from(component)] };
    await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

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
