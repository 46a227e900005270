import type { Command } from 'commander';

export const registerCrdsCommand = (program: Command): void => {
  program
    .command('crds')
    .description('write the CustomResourceDefinitions, generated from the zod schemas')
    .requiredOption('--write <folder>', 'the folder to write them to')
    .action(() => Promise.reject(new Error('not written yet')));
};
