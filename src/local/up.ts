import type { Local } from './local.ts';
import { kubernetesSteps } from './cluster/kubernetes.ts';
import { runSteps } from './run-steps.ts';

/** Brings everything up; resolves with whether all of it stands. */
export const up = async (local: Local, print: (line: string) => void): Promise<boolean> => {
  return runSteps(kubernetesSteps(local), { clock: local.clock, print, logs: local.paths.logs });
};
