import { KubeError } from './errors.ts';
import type { Status } from './status-error.ts';

/**
 * The exit code in the Status that ends a `pods/exec` stream. Throws a KubeError `ServerError` where the command could
 * not be run at all (no such container, no such program).
 */
export const exitCodeOf = (what: string, raw: string): number => {
  const status = parse(what, raw);
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  const code = Number(cause?.message);
  if (status.reason === 'NonZeroExitCode' && Number.isInteger(code)) return code;
  throw new KubeError('ServerError', `${what}: ${status.message ?? 'failed without saying why'}`, {
    code: status.code ?? 500,
  });
};

const parse = (what: string, raw: string): Status => {
  try {
    return JSON.parse(raw) as Status;
  } catch (cause) {
    throw new KubeError('ServerError', `${what}: the exit status is no JSON: ${raw.slice(0, 80)}`, { cause });
  }
};
