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
      const { withLock } = await import('../local/lock.ts');
      const local = openLocal();
      const print = (line: string): void => void process.stdout.write(`${line}\n`);
      const all = options.all === true;
      const purge = { state: all || options.purge === true, cache: all };
      const clean = await withLock(local.paths.state, () => down(local, purge, print));
      process.exitCode = clean ? 0 : 1;
    });
};
