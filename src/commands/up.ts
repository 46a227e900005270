import type { Command } from 'commander';

export const registerUpCommand = (program: Command): void => {
  program
    .command('up')
    .description(
      'install everything on this machine, or repair it: a cluster, an S3 server, the product, a first sandbox',
    )
    .action(async () => {
      const { up } = await import('../local/up.ts');
      const { openLocal } = await import('../local/open-local.ts');
      process.exitCode = (await up(openLocal(), (line) => process.stdout.write(`${line}\n`))) ? 0 : 1;
    });
};
