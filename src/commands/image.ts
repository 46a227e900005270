import { type Command, InvalidArgumentError, Option } from 'commander';
import { errorMessage } from '../base/errors.ts';
import { SANDBOX_VARIANTS, type SandboxVariant } from '../config/local.ts';
import type { ImageKind } from '../local/image-steps.ts';
import type { Local } from '../local/local.ts';
import type { Step } from '../local/step.ts';

export const registerImageCommand = (program: Command): void => {
  const image = program.command('image').description('the product image, the sandbox images and images of your own');
  image
    .command('build', { isDefault: true })
    .description('build images through the Docker Engine and print their names')
    .argument('[what]', 'product, core, full, all, or a folder with a Dockerfile of your own', 'all')
    .option('--tag <name>', 'a name for the image, as in team/data:1; with a folder it has no other', taggedName)
    .addOption(new Option('--on <variant>', 'what a Dockerfile of your own builds on').choices(SANDBOX_VARIANTS))
    .action(async (what: string, options: BuildOptions, command: Command) => {
      const { IMAGE_KINDS, imageSteps } = await import('../local/image-steps.ts');
      const { tag, on = 'core' } = options;
      const kinds = what === 'all' ? IMAGE_KINDS : IMAGE_KINDS.filter((kind) => kind === what);
      if (kinds.length > 1 && tag !== undefined) command.error('error: --tag names one image: say which');
      if (kinds.length > 0) {
        if (options.on !== undefined) command.error('error: --on is for a folder with a Dockerfile of your own');
        const local = await open();
        const images = imageSteps(local, { kinds, ...(tag === undefined ? {} : { tag }) });
        await runAll(local, images.steps, () => kinds.map(images.nameOf));
        return;
      }
      if (tag === undefined) command.error(`error: an image of your own (the folder ${what}) needs --tag NAME:TAG`);
      const { ownImageStep, planOwnImage } = await import('../local/own-images.ts');
      const local = await open();
      const plan = await planOwnImage(local, what, tag).catch((error: unknown) =>
        command.error(`error: ${errorMessage(error)}`),
      );
      const images = imageSteps(local, { kinds: [on] });
      const own = ownImageStep(local, { plan, tag, on }, images);
      await runAll(local, [...images.steps, own], () => [tag]);
    });
  image
    .command('load')
    .description('bring images from the Docker Engine into the cluster on this machine')
    .argument('[name...]', 'images of the engine; the product image and the default sandbox image when none is named')
    .action(async (names: readonly string[]) => {
      const { imageSteps } = await import('../local/image-steps.ts');
      const { loadSteps, presentCluster } = await import('../local/own-images.ts');
      const local = await open();
      const cluster = await presentCluster(local);
      const kinds: readonly ImageKind[] = ['product', local.settings.sandboxVariant];
      const images = imageSteps(local, { kinds, cluster });
      if (names.length > 0) await runAll(local, loadSteps(local, cluster, names), () => names);
      else await runAll(local, images.steps, () => kinds.map(images.nameOf));
    });
};

interface BuildOptions {
  readonly tag?: string;
  readonly on?: SandboxVariant;
}

const taggedName = (name: string): string => {
  if (/^[a-z0-9][a-z0-9._:/-]*:[\w.-]+$/.test(name)) return name;
  throw new InvalidArgumentError('it takes a name in small letters and a tag, as in team/data:1');
};

const open = async (): Promise<Local> => (await import('../local/open-local.ts')).openLocal();

const runAll = async (local: Local, steps: readonly Step[], names: () => readonly string[]): Promise<void> => {
  const { runSteps } = await import('../local/run-steps.ts');
  const print = (line: string): void => void process.stderr.write(`${line}\n`);
  const succeeded = await runSteps(steps, { clock: local.clock, print, logs: local.paths.logs });
  if (succeeded)
    process.stdout.write(
      names()
        .map((name) => `${name}\n`)
        .join(''),
    );
  process.exitCode = succeeded ? 0 : 1;
};
