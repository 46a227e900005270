import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { SandboxVariant } from '../config/local.ts';
import { contextHash, type ContextFile } from '../docker/context.ts';
import { run } from './command.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';

export const PRODUCT_REPOSITORY = 'matrx-sandbox/product';
/** What the manifests name where an installation puts its default sandbox image. */
export const SANDBOX_REPOSITORY = 'matrx-sandbox/sandbox';
/** What sandboxes get as `npm`; the Node.js beside it is the one that this project runs on. */
const NPM_VERSION = '11.6.2';

/** An image and all that it is made from. Its tag is a hash of that, so that a changed image is another image. */
export interface ImagePlan {
  readonly repository: string;
  readonly files: readonly ContextFile[];
  /** The stage of the Dockerfile; its last one unless given. */
  readonly target?: string;
}

/** The image's full name. */
export const imageTag = async (plan: ImagePlan): Promise<string> => {
  const { repository, files, target = '' } = plan;
  const hash = await contextHash([...files, { name: '(target)', source: { text: target } }]);
  return `${repository}:${hash.slice(0, 16)}`;
};

/** What the product image is made from, once ./bundle.ts has run; `rclone` is ./rclone.ts's. */
export const planProductImage = async (local: Local, rclone: ContextFile): Promise<ImagePlan> => ({
  repository: PRODUCT_REPOSITORY,
  files: [
    { name: 'Dockerfile', source: { path: join(local.project, 'Dockerfile') } },
    nodeProgram(local),
    rclone,
    ...(await folderFiles(join(local.project, 'dist'), 'dist/', /^\.made-from$/)),
  ],
});

/** What a sandbox image is made from, once ./bundle.ts has run. */
export const planSandboxImage = async (
  local: Local,
  variant: SandboxVariant,
  context: StepContext,
): Promise<ImagePlan> => {
  const folder = join(local.project, 'sandbox-image');
  return {
    repository: `matrx-sandbox/${variant}`,
    target: variant,
    files: [
      { name: 'Dockerfile', source: { path: join(folder, 'Dockerfile') } },
      ...(await folderFiles(join(folder, 'core'), 'core/')),
      ...(variant === 'core' ? [] : await folderFiles(join(folder, 'full'), 'full/')),
      ...(await folderFiles(join(folder, 'bin'), 'opt/bin/')),
      ...(await folderFiles(join(folder, 'smoke.d'), 'opt/smoke.d/')),
      ...(await folderFiles(join(folder, 'sdk'), 'opt/sdk/', PYTHON_LEFTOVERS)),
      ...(await folderFiles(join(local.project, 'dist-sandboxd'), 'opt/sandboxd/')),
      nodeProgram(local),
      { name: 'npm.tgz', source: { path: await ensureNpm(local, context) } },
      await caBundle(local),
    ],
  };
};

export const CA_BUNDLE = 'ca-bundle.crt';

/** The file is there in any case, so that a Dockerfile can copy it. */
export const caBundle = async ({ settings }: Local): Promise<ContextFile> => ({
  name: CA_BUNDLE,
  source: { text: settings.caBundle === undefined ? '' : await readFile(settings.caBundle, 'utf8') },
});

const nodeProgram = (local: Local): ContextFile => ({
  name: 'node',
  source: { path: join(local.project, 'node_modules/node/bin/node') },
  executable: true,
});

/** What Python and its tools leave beside the sources. */
const PYTHON_LEFTOVERS = /(^|\/)(__pycache__|build|\.venv|\.[a-z]+_cache|[^/]*\.egg-info)\/|\.pyc$/;

/** All files below `folder`, named from `prefix` on, but for those that `leftOut` matches; none where there is no such folder. */
export const folderFiles = async (
  folder: string,
  prefix: string,
  leftOut?: RegExp,
): Promise<readonly ContextFile[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const files: ContextFile[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (leftOut?.test(name) === true) continue;
    const executable = ((await stat(path)).mode & 0o100) !== 0;
    files.push({ name: `${prefix}${name}`, source: { path }, executable });
  }
  return files;
};

/** The npm package `npm`, by npm itself; the build checks it against the image's SHA256SUMS. */
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
