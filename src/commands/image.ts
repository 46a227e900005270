import type { Command } from 'commander';

export const registerImageCommand = (program: Command): void => {
  program
    .command('image')
    .description('build the product image and the sandbox image through the Docker Engine, and print their names')
    .action(async () => {
      const { imageSteps } = await import('../local/image-steps.ts');
      const { openLocal } = await import('../local/open-local.ts');
      const { runSteps } = await import('../local/run-steps.ts');
      const local = openLocal();
      const images = imageSteps(local, undefined);
      const print = (line: string): void => void process.stderr.write(`${line}\n`);
      const succeeded = await runSteps(images.steps, { clock: local.clock, print, logs: local.paths.logs });
      if (succeeded) process.stdout.write(`${images.nameOf('product')}\n${images.nameOf('sandbox')}\n`);
      process.exitCode = succeeded ? 0 : 1;
    });
};
