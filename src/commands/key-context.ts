import { systemClock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { API_KEYS_SECRET } from '../api/names.ts';
import { ConfigError } from '../config/load.ts';
import { KeyError } from '../facade/keys/change-keys.ts';
import type { KeysPlace } from '../facade/keys/edit-keys.ts';
import { isKubeError, type KubeError } from '../kube/errors.ts';
import { makeKubeClient } from '../kube/make-kube-client.ts';
import { clusterAccess } from './cluster-access.ts';
import type { KeyOptions } from './key.ts';

/** Runs `act` on the keys of the installation that the options name. */
export const withKeys = async <T>(options: KeyOptions, act: (place: KeysPlace) => Promise<T>): Promise<T> => {
  const { namespace } = options;
  const kube = makeKubeClient({ access: clusterAccess(options), userAgent: 'matrx-sandbox/cli' });
  try {
    return await act({ kube, namespace });
  } catch (error) {
    throw isKubeError(error) ? explained(error, namespace) : error;
  } finally {
    await kube.close();
  }
};

const explained = (error: KubeError, namespace: string): KeyError => {
  const remedy = remedyFor(error, namespace);
  return new KeyError(remedy === undefined ? errorMessage(error) : `${errorMessage(error)}\n${remedy}`);
};

const remedyFor = ({ reason }: KubeError, namespace: string): string | undefined => {
  if (reason === 'Forbidden') {
    return `your kubeconfig's user needs the verbs get, create and patch for the Secret ${API_KEYS_SECRET} in the namespace ${namespace}`;
  }
  if (reason === 'NotFound') return 'is the product installed in another namespace? name it with --namespace';
  if (reason === 'Unauthorized') return "the API server does not accept the kubeconfig's credentials";
  // A write may have been applied all the same.
  return reason === 'Timeout' ? 'whether it was done is not known: see `matrx key list`' : undefined;
};

/** The exit code 1, with the message on stderr where it is for people; anything else is a fault of the program. */
export const reportKeyFailure = (thrown: unknown): void => {
  if (!(thrown instanceof KeyError) && !(thrown instanceof ConfigError)) throw thrown;
  process.stderr.write(`matrx key: ${thrown.message}\n`);
  process.exitCode = 1;
};

/** What is asked for, alone: a shell can take it. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));
/** What is said about it. */
export const tell = (text: string): void => void process.stderr.write(`${text}\n`);

const UNITS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};

/** Milliseconds of `10m`, `12h`, `90d`, `1y`. Throws a KeyError that names the option. */
export const parseDuration = (option: string, text: string): number => {
  const [, number, unit = ''] = /^(\d{1,6})([mhdy])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new KeyError(`${option} ${text}: takes a duration such as 10m, 12h, 90d or 1y`);
};

/** Milliseconds since 1970 of a duration from now, or of a time in RFC 3339. */
export const parseMoment = (option: string, text: string, now = systemClock.now()): number => {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const moment = isTime ? Date.parse(text) : now + parseDuration(option, text);
  if (Number.isNaN(moment)) throw new KeyError(`${option} ${text}: there is no such time`);
  if (moment <= now) throw new KeyError(`${option} ${text}: is not in the future`);
  return moment;
};
