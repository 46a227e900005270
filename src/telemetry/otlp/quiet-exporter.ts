import { ExportResultCode } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { RuntimeLog } from '../../runtime/log.ts';

/** Milliseconds between two warnings. */
const WARN_EVERY_MS = 600_000;

export interface QuietExporterOptions {
  readonly url: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Pick<RuntimeLog, 'warn'>;
}

/**
 * An exporter whose failures are nobody's but the operator's: a receiver that is down, slow or refuses costs the spans of
 * that batch, and one line of the log in ten minutes.
 */
export const makeQuietExporter = (exporter: SpanExporter, { url, clock, log }: QuietExporterOptions): SpanExporter => {
  let warnedAt: number | undefined;
  const warn = (error: Error | undefined): void => {
    const now = clock.monotonic();
    if (warnedAt !== undefined && now - warnedAt < WARN_EVERY_MS) return;
    warnedAt = now;
    log.warn(
      { url, reason: error === undefined ? 'unknown' : errorMessage(error) },
      'traces cannot be sent and are dropped; nothing else is affected: see that OTEL_EXPORTER_OTLP_ENDPOINT names a receiver of OTLP over HTTP',
    );
  };
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) warn(result.error);
        done({ code: ExportResultCode.SUCCESS });
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush === undefined ? {} : { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
};
