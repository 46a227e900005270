import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { DockerEngine } from '../docker/engine.ts';
import type { BaseImage } from './base-image.ts';
import type { Cluster } from './cluster/cluster.ts';
import { isOnThisMachine, nodeAddresses } from './cluster/given.ts';
import { run } from './command.ts';
import { PRODUCT_REPOSITORY, type ImagePlan } from './image-plans.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';

/** Builds an image unless the engine has it. Resolves with how it came and how large it is. */
export const buildImage = async (
  local: Local,
  engine: DockerEngine,
  plan: ImagePlan,
  tag: string,
  ensureBase: (context: StepContext) => Promise<BaseImage>,
  context: StepContext,
): Promise<string> => {
  const size = await engine.sizeOf(tag);
  if (size !== undefined) return `built before, ${megabytes(size)}`;
  const how = await buildOn(local, engine, plan, tag, await ensureBase(context), context);
  // Older images of the same repository are of no use any more; the build cache keeps their layers.
  for (const old of await engine.tagsOf(plan.repository)) {
    if (old !== tag) await engine.removeImage(old).catch(() => {});
  }
  return how;
};

/** Builds an image, whether or not there is one of that name. */
export const buildOn = async (
  local: Local,
  engine: DockerEngine,
  plan: ImagePlan,
  tag: string,
  base: BaseImage,
  context: StepContext,
): Promise<string> => {
  context.report(`building ${tag}`);
  const request = {
    tag,
    files: plan.files,
    ...(plan.target === undefined ? {} : { target: plan.target }),
    buildArgs: { BASE: base.name, ...networkArguments(local.env) },
    labels: { 'org.opencontainers.image.title': plan.repository, 'dev.matrx.base': base.name },
  };
  await logging(context, (onLine) => engine.build(request, onLine, context.signal));
  return `built ${base.how}, ${megabytes((await engine.sizeOf(tag)) ?? 0)}`;
};

/** Each line that the engine says is the step's progress, and goes to its log: there is the reason when a build fails. */
const logging = async (context: StepContext, act: (onLine: (line: string) => void) => Promise<void>): Promise<void> => {
  await mkdir(dirname(context.log), { recursive: true });
  const log = createWriteStream(context.log, { flags: 'a', mode: 0o600 });
  try {
    await act((line) => {
      context.report(line);
      log.write(`${line}\n`);
    });
  } finally {
    log.end();
    await finished(log);
  }
};

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** How the build reaches the network: proxies, which the engine knows by itself, and an index of Python packages. No image keeps them. */
const networkArguments = (env: Readonly<NodeJS.ProcessEnv>): Readonly<Record<string, string>> => {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'PIP_INDEX_URL'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
};

/** `ctr` of the cluster's node. Throws, with the way out, where no node is on this machine. */
export const requireLocalNode = async (local: Local, cluster: Cluster): Promise<NonNullable<Cluster['ctr']>> => {
  if (cluster.ctr !== undefined && cluster.runtime !== cluster.ready) return cluster.ctr;
  if (cluster.ctr !== undefined && isOnThisMachine(await nodeAddresses(local, cluster.kubectl))) return cluster.ctr;
  throw new Error(
    'the nodes of this cluster are not on this machine, so that no image can be loaded into them: build the images with `matrx image build`, push them where the nodes pull from, and set MATRX_PRODUCT_IMAGE and MATRX_SANDBOX_IMAGE',
  );
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
