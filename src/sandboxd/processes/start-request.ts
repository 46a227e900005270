import { DaemonError } from '../protocol/problem.ts';
import type { PtySize, StartProcess } from '../protocol/process.ts';

type Json = Readonly<Record<string, unknown>>;

export const PROCESS_ID = /^[a-z0-9-]{1,64}$/;
/** setTimeout knows no longer one: 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** Characters of what is remembered for longer than its process. */
const MAX_NAME = 256;

/** A body as StartProcess; what it does not know, it ignores. Throws `invalid_argument`, with the field's name. */
export const parseStart = (body: Json): StartProcess => {
  const { argv, shell, keep } = body;
  if ((argv === undefined) === (shell === undefined)) throw invalid('argv', 'exactly one of argv and shell is needed');
  if (argv !== undefined && (!Array.isArray(argv) || argv.length === 0 || !argv.every(isText) || argv[0] === '')) {
    throw invalid('argv', 'a program and its arguments, without NUL, are needed');
  }
  if (keep !== 'attached' && keep !== 'background') throw invalid('keep', 'it is attached or background');
  const id = text(body, 'id');
  if (id !== undefined && !PROCESS_ID.test(id)) throw invalid('id', 'at most 64 of a-z, 0-9 and -');
  const cwd = text(body, 'cwd');
  if (cwd !== undefined && !cwd.startsWith('/')) throw invalid('cwd', `${JSON.stringify(cwd)} is not absolute`);
  const command = text(body, 'shell');
  const env = parseEnvironment(body['env']);
  const session = text(body, 'session', MAX_NAME);
  const label = text(body, 'label', MAX_NAME);
  const timeoutMs = parseTimeout(body['timeoutMs']);
  return {
    ...(id === undefined ? {} : { id }),
    ...(command === undefined ? { argv: argv as readonly string[] } : { shell: command }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(session === undefined ? {} : { session }),
    ...(label === undefined ? {} : { label }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(body['pty'] === undefined ? {} : { pty: parseSize(body['pty']) }),
    stdin: flag(body, 'stdin'),
    keep,
  };
};

export const parseSize = (value: unknown): PtySize => {
  const { cols, rows } = (value ?? {}) as Json;
  if (!isDimension(cols) || !isDimension(rows)) throw invalid('pty', 'cols and rows are whole numbers from 1 to 65535');
  return { cols, rows };
};

export const parseEnvironment = (value: unknown): Readonly<Record<string, string>> | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid('env', 'an object of strings is needed');
  for (const [name, content] of Object.entries(value)) {
    if (name === '' || name.includes('=') || !isText(name)) throw invalid('env', `${JSON.stringify(name)} is no name`);
    if (!isText(content)) throw invalid('env', `${name} is no string without NUL`);
  }
  return value as Readonly<Record<string, string>>;
};

const parseTimeout = (value: unknown): number | undefined => {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value > 0) || value > MAX_TIMEOUT_MS) {
    throw invalid('timeoutMs', `it is above 0 and at most ${MAX_TIMEOUT_MS}`);
  }
  return Math.ceil(value);
};

const text = (body: Json, name: string, most = Infinity): string | undefined => {
  const value = body[name];
  if (value === undefined) return undefined;
  if (!isText(value)) throw invalid(name, 'a string without NUL is needed');
  if (value.length > most) throw invalid(name, `it is longer than ${most} characters`);
  return value;
};

const flag = (body: Json, name: string): boolean => {
  const value = body[name];
  if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'it is true or false');
  return value === true;
};

const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');

const isDimension = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;

const invalid = (field: string, message: string): DaemonError =>
  new DaemonError('invalid_argument', `${field}: ${message}`);
