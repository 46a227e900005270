import pino from 'pino';

/** Structured JSON logs on stdout. Fields are never interpolated into the message. */
export type Log = pino.Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const makeLog = (options: { readonly level: LogLevel; readonly component: string }): Log =>
  pino({
    level: options.level,
    base: { component: options.component },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err },
  });
