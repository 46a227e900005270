import { DaemonError } from '../protocol/problem.ts';

/** A message as it came: JSON of a protobuf message. What is not there has its type's zero value. */
export type ConnectMessage = Readonly<Record<string, unknown>>;

/** `name` is the field's JSON name, in camelCase; the name in the .proto file is taken as well, as protobuf asks. */
const fieldOf = (message: ConnectMessage, name: string): unknown =>
  message[name] ?? message[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] ?? undefined;

const wrong = (name: string, type: string): DaemonError => new DaemonError('invalid_argument', `${name} is no ${type}`);

export const textField = (message: ConnectMessage, name: string): string => {
  const value = fieldOf(message, name) ?? '';
  if (typeof value !== 'string') throw wrong(name, 'string');
  return value;
};

/** 64-bit numbers come as strings. */
export const integerField = (message: ConnectMessage, name: string): number => {
  const given = fieldOf(message, name) ?? 0;
  // An object may be one that nothing can be made of: `{"toString": 0}`.
  const value = typeof given === 'object' ? NaN : Number(given);
  if (!Number.isSafeInteger(value)) throw wrong(name, 'integer');
  return value;
};

export const flagField = (message: ConnectMessage, name: string): boolean => {
  const value = fieldOf(message, name) ?? false;
  if (typeof value !== 'boolean') throw wrong(name, 'boolean');
  return value;
};

/** Bytes are base64, with either alphabet. */
export const bytesField = (message: ConnectMessage, name: string): Buffer =>
  Buffer.from(textField(message, name), 'base64');

/** A message within; `undefined` where it is not set. */
export const messageField = (message: ConnectMessage, name: string): ConnectMessage | undefined => {
  const value = fieldOf(message, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'message');
  return value as ConnectMessage;
};
