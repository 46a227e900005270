import { glob, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { contextHash, type ContextFile } from '../docker/context.ts';
import { type DockerEngine } from '../docker/engine.ts';
import type { BaseImage } from './base-image.ts';
import type { Cluster } from './cluster/cluster.ts';
import { run } from './command.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';

export const PRODUCT_REPOSITORY = 'matrx-sandbox/product';
export const SANDBOX_REPOSITORY = 'matrx-sandbox/sandbox';
/** What sandboxes get as `npm`; the Node.js beside it is the one that this project runs on. */
const NPM_VERSION = '11.6.2';

/** An image and all that it is made from. Its tag is a hash of that, so that a changed image is another image. */
export interface ImagePlan {
  readonly repository: string;
  readonly files: readonly ContextFile[];
}

/** The image's full name. */
export const imageTag = async (plan: ImagePlan): Promise<string> =>
  `${plan.repository}:${(await contextHash(plan.files)).slice(0, 16)}`;

/** Bundles the program and resolves with what the product image is made from. */
export const planProductImage = async (local: Local, context: StepContext): Promise<ImagePlan> => {
  context.report('bundling the program');
  await run([process.execPath, join(local.project, 'build.ts')], {
    cwd: local.project,
    env: local.env,
    log: context.log,
  });
  const dist = join(local.project, 'dist');
  const bundled: ContextFile[] = [];
  for await (const name of glob('*', { cwd: dist })) {
    bundled.push({ name: `dist/${name}`, source: { path: join(dist, name) } });
  }
  return {
    repository: PRODUCT_REPOSITORY,
    files: [
      { name: 'Dockerfile', source: { path: join(local.project, 'Dockerfile') } },
      nodeProgram(local),
      ...bundled,
    ],
  };
};

export const planSandboxImage = async (local: Local, context: StepContext): Promise<ImagePlan> => {
  const folder = join(local.project, 'sandbox-image');
  const own: ContextFile[] = [];
  for await (const entry of glob('**/*', { cwd: folder, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    own.push({ name: path.slice(folder.length + 1), source: { path } });
  }
  const { caBundle } = local.settings;
  const bundle = caBundle === undefined ? '' : await readFile(caBundle, 'utf8');
  return {
    repository: SANDBOX_REPOSITORY,
    files: [
      ...own,
      nodeProgram(local),
      { name: 'npm.tgz', source: { path: await ensureNpm(local, context) } },
      { name: 'ca-bundle.crt', source: { text: bundle } },
    ],
  };
};

const nodeProgram = (local: Local): ContextFile => ({
  name: 'node',
  source: { path: join(local.project, 'node_modules/node/bin/node') },
  executable: true,
});

/** The npm package `npm`, by npm itself, which checks what it fetches. */
const ensureNpm = async (local: Local, context: StepContext): Promise<string> => {
  const path = join(local.paths.cache, `npm-${NPM_VERSION}.tgz`);
  if ((await readFile(path).catch(() => undefined)) !== undefined) return path;
  const staging = join(local.paths.cache, 'npm-staging');
  await mkdir(staging, { recursive: true });
  await run(['npm', 'pack', `npm@${NPM_VERSION}`, `--pack-destination=${staging}`], {
    cwd: staging,
    env: local.env,
    log: context.log,
  });
  await rename(join(staging, `npm-${NPM_VERSION}.tgz`), path);
  await rm(staging, { recursive: true, force: true });
  return path;
};

/** Builds an image unless the engine has it. Resolves with how it came. */
export const buildImage = async (
  local: Local,
  engine: DockerEngine,
  plan: ImagePlan,
  tag: string,
  ensureBase: (context: StepContext) => Promise<BaseImage>,
  context: StepContext,
): Promise<string> => {
  context.report(`building ${tag}`);
  if (await engine.hasImage(tag)) return 'built before';
  const base = await ensureBase(context);
  const request = {
    tag,
    files: plan.files,
    buildArgs: { BASE: base.name, ...proxyArguments(local.env) },
    labels: { 'org.opencontainers.image.title': plan.repository, 'dev.matrx.base': base.name },
  };
  await engine.build(request, context.report, context.signal);
  // Older images of the same repository are of no use any more; the build cache keeps their layers.
  for (const old of await engine.tagsOf(plan.repository)) {
    if (old !== tag) await engine.removeImage(old).catch(() => {});
  }
  return `built ${base.how}`;
};

/** Arguments that the engine knows by itself and keeps out of the image. */
const proxyArguments = (env: Readonly<NodeJS.ProcessEnv>): Readonly<Record<string, string>> => {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
};

/** Whether the cluster's node has the image already. */
export const clusterHasImage = async (
  local: Local,
  ctr: NonNullable<Cluster['ctr']>,
  tag: string,
): Promise<boolean> => {
  const names = await run([...ctr, 'images', 'ls', '-q'], { env: local.env });
  return names.split('\n').includes(`docker.io/${tag}`);
};

/** Brings an image from the engine into the node's containerd. */
export const loadImage = async (
  local: Local,
  engine: DockerEngine,
  ctr: NonNullable<Cluster['ctr']>,
  tag: string,
  context: StepContext,
): Promise<void> => {
  context.report(`loading ${tag} into the cluster`);
  await run([...ctr, 'images', 'import', '-'], { input: await engine.save(tag), env: local.env, log: context.log });
};

/** The images of `repository` among `names` (as `ctr` lists them) that are not `keep`. */
export const olderImages = (names: string, repository: string, keep: string): readonly string[] =>
  names.split('\n').filter((name) => name.startsWith(`docker.io/${repository}:`) && name !== `docker.io/${keep}`);

/**
 * Removes the product's older images from the node once nothing starts from them any more; the sandboxes' images stay,
 * because a running sandbox may have to start again from its own. What cannot be removed now is tried next time.
 */
export const pruneProductImages = async (
  local: Local,
  ctr: NonNullable<Cluster['ctr']>,
  keep: string,
  log: string,
): Promise<void> => {
  const names = await run([...ctr, 'images', 'ls', '-q'], { env: local.env });
  for (const name of olderImages(names, PRODUCT_REPOSITORY, keep)) {
    await run([...ctr, 'images', 'rm', name], { env: local.env, log }).catch(() => {});
  }
};
