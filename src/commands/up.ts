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
      const { withLock } = await import('../local/lock.ts');
      const local = openLocal();
      const print = (line: string): void => void process.stdout.write(`${line}\n`);
      process.exitCode = (await withLock(local.paths.state, () => up(local, print))) ? 0 : 1;
    });
};
