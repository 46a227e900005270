import pino from 'pino';
import { logText } from './log-text.ts';

/** Structured logs on stdout, JSON unless text is asked for. Fields are never interpolated into the message. */
export type Log = pino.Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly component: string;
  readonly format?: LogFormat;
  /** Asked at each line for more fields: which trace it belongs to. */
  readonly context?: () => object;
}

export const makeLog = ({ level, component, format = 'json', context }: LogOptions): Log => {
  const options: pino.LoggerOptions = {
    level,
    base: { component },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err },
    ...(context === undefined ? {} : { mixin: context }),
  };
  // Synchronously: what is logged right before the end is not lost.
  return format === 'json'
    ? pino(options, pino.destination({ fd: 1, sync: true }))
    : pino(options, { write: (line) => process.stdout.write(logText(line)) });
};
