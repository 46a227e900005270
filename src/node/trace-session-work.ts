import type { Clock } from '../base/clock.ts';
import { parseTraceparent } from '../base/traceparent.ts';
import { errorType, noTracer, type SpanAttributes, type Tracer } from '../base/tracer.ts';
import type { CommitReport, HeadSummary, RestoreReport } from '../workspace/home.ts';
import type { Grant } from './publish-verdict.ts';
import { traceFields } from './trace-fields.ts';

export interface TracedSessionWork {
  readonly restore: (work: () => Promise<RestoreReport>) => Promise<RestoreReport>;
  readonly commit: (work: () => Promise<CommitReport>, more: () => SpanAttributes) => Promise<CommitReport>;
}

/**
 * What a session does with the bucket, as spans: its restore, below the pass that made the pod, as it begins before
 * kubelet asks; and each commit that had something to save or failed, a trace of its own. A scan that finds nothing, every
 * few seconds and for each home, is none.
 */
export const traceSessionWork = (
  { tracer = noTracer, clock }: { readonly tracer?: Tracer; readonly clock: Clock },
  record: Pick<Grant, 'sandbox' | 'userId' | 'workspace' | 'epoch' | 'traceparent'>,
): TracedSessionWork => {
  if (!tracer.isOn) return { restore: (work) => work(), commit: (work) => work() };
  const fields = traceFields(record);
  return {
    restore: async (work) => {
      const span = tracer.open('restore workspace', {
        parent: { place: parseTraceparent(record.traceparent) },
        attributes: fields,
      });
      try {
        const report = await span.run(work);
        span.note(headFields(report.head));
        span.end();
        return report;
      } catch (error) {
        span.end(errorType(error));
        throw error;
      }
    },
    commit: async (work, more) => {
      const startedAt = clock.now();
      // Begun only when there is something to tell; what the scan itself asks for belongs to no span.
      const tell = (attributes: SpanAttributes, failure?: string): void => {
        const told = { ...fields, ...attributes, ...more() };
        tracer.open('commit workspace', { parent: 'none', startedAt, attributes: told }).end(failure);
      };
      try {
        const report = await work();
        if (report.committed) tell({ ...headFields(report.head), scan_ms: report.scanMs });
        return report;
      } catch (error) {
        tell({}, errorType(error));
        throw error;
      }
    },
  };
};

const headFields = ({ sequence, files, bytes }: HeadSummary): SpanAttributes => ({ sequence, files, bytes });
