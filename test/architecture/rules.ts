import { posix } from 'node:path';
import { type Import, importsOf, type SourceFile, withoutComments } from './source-file.ts';

/** Which folders of src/ a folder may import from. Its own is a matter of course; a folder that is not here is an error. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  api: ['base'],
  domain: ['api', 'base'],
  runtime: ['base', 'kube', 'api'],
  kube: ['base', 'api'],
  controller: ['domain', 'runtime', 'kube', 'api', 'base', 'telemetry'],
  workspace: ['base'],
  node: ['workspace', 'kube', 'api', 'base', 'config', 'telemetry', 'runtime'],
  facade: ['api', 'runtime', 'kube', 'base', 'config', 'telemetry', 'sandboxd'],
  sandboxd: ['base'],
  docker: ['base'],
  local: ['docker', 'api', 'base', 'config', 'sandboxd'],
  telemetry: ['runtime', 'base'],
  config: ['telemetry', 'base'],
  commands: ['*'],
};

/** Only one door to each outside thing: the package, and the folder or folders that may import it. */
const DOORS: readonly (readonly [thing: RegExp, folders: readonly string[]])[] = [
  [/^@kubernetes\/client-node/, ['src/kube/']],
  [/^@aws-sdk\//, ['src/workspace/s3/']],
  [/^@smithy\//, ['src/workspace/s3/']],
  [/^dockerode/, ['src/docker/']],
  [/^@grpc\//, ['src/node/']],
  [/^(koa|@koa\/.*|path-to-regexp|ws)$/, ['src/facade/']],
  [/^ssh2$/, ['src/facade/ssh/']],
  [/^@lydell\/node-pty$/, ['src/sandboxd/']],
  [/^undici$/, ['src/kube/']],
  [/^pino/, ['src/telemetry/']],
  [/^commander$/, ['src/commands/']],
  [/^@opentelemetry\//, ['src/telemetry/otlp/']],
];

/** Of the daemon, others know the protocol and nothing else. */
const DAEMON_PROTOCOL = 'src/sandboxd/protocol/';
/** Reads the environment by itself: the schemas of src/config would be a fifth of the daemon's memory. */
const OWN_ENVIRONMENT = 'src/sandboxd/settings.ts';

/** From src/kube, the runtime takes types, and these: errors to tell apart, and names. No adapter. */
const KUBE_VALUES_FOR_RUNTIME = ['src/kube/errors.ts', 'src/kube/resource-types.ts'];

/** Off unless an operator asks for it, and then none of it is loaded. */
const ON_DEMAND = 'src/telemetry/otlp/';

const MAX_LINES = 300;
const VAGUE = /(^|[-.])(utils?|helpers?|common|misc)([-.]|$)/;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** What is wrong with a source tree, one sentence each. `sources` are files below src/, test/ and scripts/. */
export const violations = (sources: readonly SourceFile[]): readonly string[] => {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.flatMap((file) => [
    ...nameViolations(file),
    ...(file.path.startsWith('src/') ? codeViolations(file, paths) : []),
  ]);
};

const nameViolations = ({ path }: SourceFile): readonly string[] =>
  path
    .split('/')
    .flatMap((part) => [
      ...(VAGUE.test(part) ? [`${path}: "${part}" says nothing of what is in it`] : []),
      ...(KEBAB.test(part) ? [] : [`${path}: "${part}" is not in kebab-case`]),
    ]);

const codeViolations = (file: SourceFile, paths: ReadonlySet<string>): readonly string[] => {
  const code = withoutComments(file.text);
  const lines = file.text.split('\n').length - 1;
  return [
    ...(lines > MAX_LINES ? [`${file.path}: ${lines} lines are more than one idea; at most ${MAX_LINES}`] : []),
    ...(/^export\s+default\b/m.test(code) ? [`${file.path}: has a default export`] : []),
    ...(/\bprocess\.env\b/.test(code) && !file.path.startsWith('src/config/') && file.path !== OWN_ENVIRONMENT
      ? [`${file.path}: reads process.env, which only src/config does`]
      : []),
    ...importsOf(file).flatMap((one) => importViolations(file.path, one, paths)),
  ];
};

const importViolations = (path: string, one: Import, paths: ReadonlySet<string>): readonly string[] => {
  const { specifier } = one;
  if (specifier === '<computed>') return [`${path}: imports a computed name, which nothing can check`];
  if (!specifier.startsWith('.')) return doorViolations(path, specifier);
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (!target.endsWith('.ts')) return target.endsWith('.json') ? [] : [`${path}: imports ${specifier} without .ts`];
  if (!target.startsWith('src/')) return [`${path}: imports ${target}, which is not part of the product`];
  if (!paths.has(target)) return [`${path}: imports ${target}, which does not exist`];
  if (target.startsWith(ON_DEMAND) && !path.startsWith(ON_DEMAND) && !one.isDynamic && !one.typeOnly) {
    return [`${path}: imports ${target}, which is loaded only by a dynamic import`];
  }
  return folderViolations(path, target, one.typeOnly);
};

const doorViolations = (path: string, specifier: string): readonly string[] =>
  DOORS.filter(([thing, folders]) => thing.test(specifier) && !folders.some((folder) => path.startsWith(folder))).map(
    ([, folders]) => `${path}: imports ${specifier}, which only ${folders.join(', ')} does`,
  );

const folderViolations = (path: string, target: string, typeOnly: boolean): readonly string[] => {
  const from = folderOf(path);
  const to = folderOf(target);
  // src/main.ts starts the commands, and nothing else.
  const allowed = from === undefined ? ['commands'] : FOLDERS[from];
  if (allowed === undefined) return [`${path}: src/${from} is not in the import table`];
  if (to === undefined) return [`${path}: imports ${target}, which is the program itself`];
  if (from !== to && !allowed.includes(to) && !allowed.includes('*')) {
    return [`${path}: imports ${target}, but src/${from ?? ''} may import only ${allowed.join(', ') || 'nothing'}`];
  }
  if (to === 'sandboxd' && from !== to && !target.startsWith(DAEMON_PROTOCOL)) {
    return [`${path}: imports ${target}, but of the daemon only ${DAEMON_PROTOCOL} is for others`];
  }
  if (from === 'runtime' && to === 'kube' && !typeOnly && !KUBE_VALUES_FOR_RUNTIME.includes(target)) {
    return [`${path}: imports values of ${target}, but the runtime takes only types from there`];
  }
  return [];
};

/** `facade` of `src/facade/routes/x.ts`; undefined of a file in src/ itself. */
const folderOf = (path: string): string | undefined => (path.split('/').length > 2 ? path.split('/')[1] : undefined);
