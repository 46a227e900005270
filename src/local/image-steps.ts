import type { SandboxVariant } from '../config/local.ts';
import type { DockerEngine } from '../docker/engine.ts';
import { ensureBaseImage, type BaseImage } from './base-image.ts';
import type { Cluster } from './cluster/cluster.ts';
import { bundle } from './bundle.ts';
import { imageTag, planProductImage, planSandboxImage, type ImagePlan } from './image-plans.ts';
import { buildImage, clusterHasImage, loadImage, requireLocalNode } from './images.ts';
import type { Local } from './local.ts';
import { rcloneFile } from './rclone.ts';
import { makeSharedEngine } from './shared-engine.ts';
import { step, type Step, type StepContext } from './step.ts';

/** The images that the product brings. */
export type ImageKind = 'product' | SandboxVariant;
export const IMAGE_KINDS: readonly ImageKind[] = ['product', 'core', 'full'];
export const imageStepName = (kind: ImageKind): string =>
  kind === 'product' ? 'product image' : `${kind} sandbox image`;
export const IMAGE_REMEDY =
  'see the log below; the Docker Engine is the one of DOCKER_HOST, of this machine, or one started for this';

/** The steps that make the images, and where to find their names once these are done. */
export interface ImageSteps {
  readonly steps: readonly Step[];
  /** The image's name with its tag. Throws before its step is done. */
  readonly nameOf: (kind: ImageKind) => string;
}

export interface ImageRequest {
  readonly kinds: readonly ImageKind[];
  /** Where the images are loaded into; an image that the environment names for it is taken as it is. */
  readonly cluster?: Cluster;
  /** Steps that come first. */
  readonly needs?: readonly string[];
  /** A name that the images get besides their own. */
  readonly tag?: string;
}

export const imageSteps = (local: Local, request: ImageRequest): ImageSteps => {
  const { kinds, cluster, needs = [], tag: wanted } = request;
  const names = new Map<ImageKind, string>();
  const shared = makeSharedEngine(local);
  let base: Promise<BaseImage> | undefined;
  const ensureBase = (engine: DockerEngine, context: StepContext): Promise<BaseImage> =>
    (base ??= ensureBaseImage(local, engine, context));
  let bundled: Promise<boolean> | undefined;
  const plan = async (kind: ImageKind, context: StepContext): Promise<ImagePlan> => {
    // Once for all: two at the same time would write into one folder.
    await (bundled ??= bundle(local, context));
    return kind === 'product'
      ? planProductImage(local, await rcloneFile(local, context))
      : planSandboxImage(local, kind, context);
  };

  const make = async (kind: ImageKind, context: StepContext): Promise<string> => {
    const given = cluster === undefined ? undefined : local.settings.images[kind === 'product' ? kind : 'sandbox'];
    if (given !== undefined) {
      names.set(kind, given);
      return `${given}, as the environment says`;
    }
    const ctr = cluster === undefined ? undefined : await requireLocalNode(local, cluster);
    const planned = await plan(kind, context);
    const tag = await imageTag(planned);
    names.set(kind, wanted ?? tag);
    if (ctr !== undefined && (await clusterHasImage(local, ctr, tag))) return `${tag} is in the cluster`;
    return shared.use(context, async ({ engine, which }) => {
      const how = await buildImage(local, engine, planned, tag, (building) => ensureBase(engine, building), context);
      if (wanted !== undefined) await engine.tag(tag, wanted);
      if (ctr !== undefined) await loadImage(local, engine, ctr, tag, context);
      return `${tag} ${how}, by ${which}`;
    });
  };

  return {
    steps: kinds.map((kind, index) => {
      // One sandbox image after the other: they share stages, which two builds at the same time would each build.
      const before = kinds.slice(0, index).findLast((other) => other !== 'product');
      const first = kind === 'product' || before === undefined ? [] : [imageStepName(before)];
      return step(imageStepName(kind), [...needs, ...first], (context) => make(kind, context), IMAGE_REMEDY);
    }),
    nameOf: (kind) => {
      const name = names.get(kind);
      if (name === undefined) throw new Error(`the ${kind} image has not been made yet`);
      return name;
    },
  };
};
