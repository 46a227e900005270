import { z } from 'zod';

/**
 * Environment → frozen, typed settings. `schema` is an object of string-valued settings by variable name; an empty
 * variable counts as unset. Throws a ConfigError that lists every wrong variable with its value and what it takes
 * (`secret` names are not printed). This folder is the only reader of process.env.
 */
export const loadConfig = <S extends z.ZodObject>(
  schema: S,
  env: NodeJS.ProcessEnv = process.env,
  secret: readonly string[] = [],
): Readonly<z.infer<S>> => {
  const given = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) =>
      env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]],
    ),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '');
    const value =
      given[name] === undefined ? 'not set' : secret.includes(name) ? '(secret)' : JSON.stringify(given[name]);
    return `${name} is ${value}: ${issue.message}`;
  });
  throw new ConfigError(`wrong settings in the environment:\n  ${lines.join('\n  ')}`);
};

export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Settings several commands share. */
export const port = z.coerce.number().int().min(1).max(65_535);
export const seconds = z.coerce.number().positive();
