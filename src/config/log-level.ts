import { z } from 'zod';
import { LOG_LEVELS } from '../telemetry/log.ts';

/** Names that other systems use for ours. */
const ALIASES: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' };

/** MATRX_LOG_LEVEL, in any case: `INFO` is `info`. */
export const logLevel = z
  .string()
  .transform((text) => ALIASES[text.toLowerCase()] ?? text.toLowerCase())
  .pipe(z.enum(LOG_LEVELS));
