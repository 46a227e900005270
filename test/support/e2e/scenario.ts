import { test } from '@jest/globals';
import { errorMessage } from '../../../src/base/errors.ts';
import { type Cluster, makeCluster } from './cluster.ts';
import { diagnose } from './diagnostics.ts';
import { requireEnvironment } from './environment.ts';
import { type Kubectl, makeKubectl } from './kubectl.ts';

/** What is added to a scenario's own deadline for diagnosis and for cleaning up. */
const CLEAN_UP_MS = 150_000;

/**
 * One end-to-end test. Its commands and waits end at `seconds`; a failed one prints what the cluster looked like and
 * the last log lines; what it created is deleted in any case, and that too has to work.
 */
export const scenario = (sentence: string, seconds: number, body: (cluster: Cluster) => Promise<void>): void => {
  test(
    sentence,
    async () => {
      const environment = requireEnvironment();
      const owned = new Set<string>();
      const over = new AbortController();
      const timer = setTimeout(() => {
        over.abort(new Error(`the test took longer than ${seconds} s`));
      }, seconds * 1000);
      // Ends by its commands' own deadlines, not with the test's.
      const afterwards = makeKubectl(new AbortController().signal);
      const diagnosed = async (act: () => Promise<void>): Promise<void> => {
        try {
          await act();
        } catch (error) {
          process.stderr.write(`\n✗ ${sentence}\n${errorMessage(error)}\n${await diagnose(afterwards, owned)}\n`);
          throw error;
        }
      };
      const failures: unknown[] = [];
      try {
        await diagnosed(() => body(makeCluster(environment, owned, over.signal)));
      } catch (error) {
        failures.push(
          over.signal.aborted ? new Error(`the test took longer than ${seconds} s`, { cause: error }) : error,
        );
      }
      clearTimeout(timer);
      over.abort(new Error('the test is over'));
      await diagnosed(() => cleanUp(afterwards, owned)).catch((error: unknown) => void failures.push(error));
      if (failures.length > 1) throw new Error(failures.map(errorMessage).join('\nand afterwards: '));
      if (failures.length > 0) throw failures[0];
    },
    seconds * 1000 + CLEAN_UP_MS,
  );
};

const cleanUp = async (kubectl: Kubectl, owned: Iterable<string>): Promise<void> => {
  const targets = [...owned];
  if (targets.length === 0) return;
  await kubectl.run(['delete', '--ignore-not-found', '--timeout=90s', ...targets], { deadlineMs: 100_000 });
};
