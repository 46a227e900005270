import type { DockerEngine } from '../docker/engine.ts';
import { ensureBaseImage, type BaseImage } from './base-image.ts';
import type { Cluster } from './cluster/cluster.ts';
import { isOnThisMachine, nodeAddresses } from './cluster/given.ts';
import {
  buildImage,
  clusterHasImage,
  imageTag,
  loadImage,
  planProductImage,
  planSandboxImage,
  type ImagePlan,
} from './images.ts';
import type { Local } from './local.ts';
import { makeSharedEngine } from './shared-engine.ts';
import { step, type Step, type StepContext } from './step.ts';

export type ImageKind = 'product' | 'sandbox';
export const imageStepName = (kind: ImageKind): string => `${kind} image`;

const PLANS: Readonly<Record<ImageKind, (local: Local, context: StepContext) => Promise<ImagePlan>>> = {
  product: planProductImage,
  sandbox: planSandboxImage,
};

/** The steps that make the images, and where to find their names once these are done. */
export interface ImageSteps {
  readonly steps: readonly Step[];
  /** The image's name with its tag. Throws before its step is done. */
  readonly nameOf: (kind: ImageKind) => string;
}

export const imageSteps = (local: Local, cluster: Cluster | undefined): ImageSteps => {
  const names = new Map<ImageKind, string>();
  const shared = makeSharedEngine(local);
  let base: Promise<BaseImage> | undefined;
  const ensureBase = (engine: DockerEngine, context: StepContext): Promise<BaseImage> =>
    (base ??= ensureBaseImage(local, engine, context));

  const make = async (kind: ImageKind, context: StepContext): Promise<string> => {
    const given = local.settings.images[kind];
    if (given !== undefined) {
      names.set(kind, given);
      return `${given}, as the environment says`;
    }
    const ctr = cluster === undefined ? undefined : await requireLocalNode(local, cluster, kind);
    const plan = await PLANS[kind](local, context);
    const tag = await imageTag(plan);
    names.set(kind, tag);
    if (ctr !== undefined && (await clusterHasImage(local, ctr, tag))) return `${tag} is in the cluster`;
    return shared.use(context, async ({ engine, which }) => {
      const how = await buildImage(local, engine, plan, tag, (building) => ensureBase(engine, building), context);
      if (ctr !== undefined) await loadImage(local, engine, ctr, tag, context);
      return `${tag} ${how}, by ${which}`;
    });
  };

  return {
    steps: (['sandbox', 'product'] as const).map((kind) =>
      step(
        imageStepName(kind),
        cluster?.runtime === undefined ? [] : [cluster.runtime],
        (context) => make(kind, context),
        'see the log below; the Docker Engine is the one of DOCKER_HOST, of this machine, or one started for this',
      ),
    ),
    nameOf: (kind) => {
      const name = names.get(kind);
      if (name === undefined) throw new Error(`the ${kind} image has not been made yet`);
      return name;
    },
  };
};

/** `ctr` of the cluster's node. Throws, with the way out, where no node is on this machine. */
const requireLocalNode = async (local: Local, cluster: Cluster, kind: ImageKind): Promise<Cluster['ctr']> => {
  if (cluster.ctr !== undefined && cluster.runtime !== cluster.ready) return cluster.ctr;
  if (cluster.ctr !== undefined && isOnThisMachine(await nodeAddresses(local, cluster.kubectl))) return cluster.ctr;
  throw new Error(
    `the nodes of this cluster are not on this machine, so that no image can be loaded into them: build the images with \`matrx image\`, push them where the nodes pull from, and set MATRX_${kind.toUpperCase()}_IMAGE`,
  );
};
