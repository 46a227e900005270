import { errorMessage } from '../base/errors.ts';
import { startSandboxd } from './sandboxd.ts';
import { loadSandboxdSettings } from './settings.ts';

/** The program: listens until TERM, which ends what runs in the sandbox, gently, and then the daemon. */
const run = async (): Promise<void> => {
  const sandboxd = await startSandboxd(loadSandboxdSettings());
  const { address, port } = sandboxd.address();
  process.stderr.write(`sandboxd: listening on ${address}:${port}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void sandboxd.close().then(() => process.exit(0));
    });
  }
};

// The bundle is CommonJS, which has no await at its top.
run().catch((error: unknown) => {
  process.stderr.write(`sandboxd: ${errorMessage(error)}\n`);
  process.exitCode = 1;
});
