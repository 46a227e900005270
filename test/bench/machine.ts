import { cpus, release, totalmem } from 'node:os';

/** Where a number was measured: a number without it says nothing. */
export const describeMachine = (): string => {
  const processors = cpus();
  const model = processors[0]?.model.replaceAll(/\s+/g, ' ').trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${model === undefined || model === '' ? process.arch : model}, ${memory} GiB, Linux ${release()}`;
};
