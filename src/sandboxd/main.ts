import { errorMessage } from '../base/errors.ts';
import { startSandboxd } from './sandboxd.ts';
import { loadSandboxdSettings } from './settings.ts';

/** The program: listens until TERM. What runs in the sandbox ends with the container, not with the daemon. */
const run = async (): Promise<void> => {
  const settings = loadSandboxdSettings();
  const sandboxd = await startSandboxd(settings);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void sandboxd.close().then(() => process.exit(0));
    });
  }
};

try {
  await run();
} catch (error) {
  process.stderr.write(`sandboxd: ${errorMessage(error)}\n`);
  process.exitCode = 1;
}
