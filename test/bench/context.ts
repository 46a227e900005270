import type { Environment } from '../support/e2e/environment.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Kubectl } from '../support/e2e/kubectl.ts';
import type { Measurement } from './measurement.ts';

/** What a case works with. Everything ends when `signal` is aborted. */
export interface BenchContext {
  readonly environment: Environment;
  readonly kube: KubeClient;
  readonly kubectl: Kubectl;
  readonly signal: AbortSignal;
  /** How often a start is measured. */
  readonly starts: number;
  /** How often a transfer is measured. */
  readonly rounds: number;
  /** Whether the transfers are also done once by the programs that people use for them: minutes each. */
  readonly withTools: boolean;
  /** A folder on the machine's disk, removed after the run. */
  readonly scratch: string;
  /** Progress, for the person who waits. */
  readonly say: (line: string) => void;
}

/** A group of cases that share their preparation. It cleans up after itself, whatever happens. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Seconds after which its signal is aborted. */
  readonly seconds: number;
  readonly run: (context: BenchContext) => Promise<readonly Measurement[]>;
}
