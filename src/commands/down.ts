import type { Command } from 'commander';

export const registerDownCommand = (program: Command): void => {
  program
    .command('down')
    .description('stop what `up` started on this machine; files, images and builds are kept for the next `up`')
    .option('--purge', 'also delete the cluster and the data of the embedded S3 server: every file of every user')
    .option('--all', 'as --purge, and also delete the downloads and builds')
    .action(async (options: { readonly purge?: boolean; readonly all?: boolean }) => {
      const { down } = await import('../local/down.ts');
      const { openLocal } = await import('../local/open-local.ts');
      const all = options.all === true;
      const clean = await down(
        openLocal(),
        { state: all || options.purge === true, cache: all },
        (line) => void process.stdout.write(`${line}\n`),
      );
      process.exitCode = clean ? 0 : 1;
    });
};
