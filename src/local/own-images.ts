import type { SandboxVariant } from '../config/local.ts';
import { splitName } from '../docker/engine.ts';
import type { Cluster } from './cluster/cluster.ts';
import { readChoice } from './cluster/facts.ts';
import { makeCluster } from './cluster/make-cluster.ts';
import { CA_BUNDLE, caBundle, folderFiles, type ImagePlan } from './image-plans.ts';
import { IMAGE_REMEDY, imageStepName, type ImageSteps } from './image-steps.ts';
import { buildOn, loadImage, requireLocalNode } from './images.ts';
import type { Local } from './local.ts';
import { makeSharedEngine } from './shared-engine.ts';
import { step, type Step } from './step.ts';

/** An image that users make for themselves, on one of the product's. */
export interface OwnImage {
  readonly plan: ImagePlan;
  /** The name that it gets. */
  readonly tag: string;
  /** What its Dockerfile gets as the argument BASE. */
  readonly on: SandboxVariant;
}

/** What it is made from: all files of a folder with a Dockerfile. Throws where there is none. */
export const planOwnImage = async (local: Local, folder: string, tag: string): Promise<ImagePlan> => {
  const files = await folderFiles(folder, '');
  if (!files.some(({ name }) => name === 'Dockerfile')) {
    throw new Error(`${folder} has no Dockerfile: name \`product\`, \`core\`, \`full\`, \`all\` or a folder with one`);
  }
  const hasBundle = files.some(({ name }) => name === CA_BUNDLE);
  const [repository] = splitName(tag);
  return { repository, files: hasBundle ? files : [...files, await caBundle(local)] };
};

/** Builds it; `images` are the steps that make what it is built on. */
export const ownImageStep = (local: Local, { plan, tag, on }: OwnImage, images: ImageSteps): Step =>
  step(
    tag,
    [imageStepName(on)],
    async (context) => {
      const base = { name: images.nameOf(on), how: `on ${images.nameOf(on)}` };
      return makeSharedEngine(local).use(context, ({ engine }) =>
        // The engine's cache knows what has changed: the name does not.
        buildOn(local, engine, plan, tag, base, context),
      );
    },
    IMAGE_REMEDY,
  );

/** Brings images of the engine into the cluster on this machine. */
export const loadSteps = (local: Local, cluster: Cluster, names: readonly string[]): readonly Step[] => {
  const shared = makeSharedEngine(local);
  return names.map((name) =>
    step(
      name,
      [],
      async (context) => {
        const ctr = await requireLocalNode(local, cluster);
        return shared.use(context, async ({ engine, which }) => {
          if (!(await engine.hasImage(name))) throw new Error(`${which} has no image ${name}`);
          await loadImage(local, engine, ctr, name, context);
          return 'is in the cluster';
        });
      },
      'build it first: `matrx image build FOLDER --tag NAME`',
    ),
  );
};

/** The cluster that `up` made or uses. Throws where there is none. */
export const presentCluster = async (local: Local): Promise<Cluster> => {
  const choice = await readChoice(local);
  if (choice === undefined) throw new Error(`there is no cluster of ${local.paths.state}: run \`matrx up\` first`);
  return makeCluster(local, choice);
};
