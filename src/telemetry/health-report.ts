import type { HealthCheck, HealthState } from '../runtime/health.ts';

/**
 * The answer of /livez and /readyz, in the API server's own format: `ok`, or one line a check. A failed report is
 * always verbose: whoever sees it wants to know why.
 */
export const healthReport = (
  checks: readonly HealthCheck[],
  verbose: boolean,
): { readonly ok: boolean; readonly text: string } => {
  const states = checks.map((check) => ({ name: check.name, ...stateOf(check) }));
  const ok = states.every((state) => state.ok);
  if (ok && !verbose) return { ok, text: 'ok\n' };
  const lines = states.map((state) => `${state.ok ? '[+]' : '[-]'} ${state.name}: ${state.message}`);
  return { ok, text: [...lines, ok ? 'ok' : 'not ok', ''].join('\n') };
};

const stateOf = (check: HealthCheck): HealthState => {
  try {
    return check.check();
  } catch (error) {
    return { ok: false, message: `the check itself failed: ${String(error)}` };
  }
};
