import type { Field } from './fields.ts';

/** What can be to blame together with it, or in its place: it takes both to be wrong. */
const COUNTERPARTS: Readonly<Record<string, readonly string[]>> = {
  'spec.env[].value': ['spec.env'],
  'spec.env[].name': ['spec.env'],
};

/**
 * Whether a message names the field, or the object that it is in: `spec.resources` for `spec.resources.limits.cpu`. Of a
 * template it has to name that, too.
 */
export const namesField = (message: string, { kind, path }: Field, name: string): boolean => {
  if (kind === 'SandboxTemplate' && !message.includes(`SandboxTemplate ${name}`)) return false;
  const parts = path.replaceAll('[]', '').split('.');
  const own = parts.slice(1).map((_part, at) => parts.slice(0, at + 2).join('.'));
  return [...own, ...(COUNTERPARTS[path] ?? [])].some((named) => mentions(message, named));
};

/** As a whole: `spec.image` is not named by `spec.imagePullPolicy`. */
const mentions = (message: string, path: string): boolean =>
  new RegExp(`${path.replaceAll('.', '\\.')}(?![A-Za-z])`, 'u').test(message);
