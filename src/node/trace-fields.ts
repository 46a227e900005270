import { ANNOTATION_TRACEPARENT } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import { formatTraceparent, parseTraceparent } from '../base/traceparent.ts';
import type { SpanAttributes, Tracer } from '../base/tracer.ts';
import type { Grant } from './publish-verdict.ts';

/** Whose work a span is: the words of the log. */
export const traceFields = ({
  sandbox,
  userId,
  workspace,
  epoch,
}: Pick<Grant, 'sandbox' | 'userId' | 'workspace' | 'epoch'>): SpanAttributes => ({
  sandbox_id: sandbox,
  user_id: userId,
  workspace,
  epoch,
});

/**
 * What the controller has said of the trace that a pod was made in; nothing where traces are off. Anybody who may write
 * pods could have said it: what is malformed is nothing.
 */
export const traceOfPod = ({ metadata }: Pod, tracer: Tracer | undefined): { readonly traceparent?: string } => {
  if (tracer?.isOn !== true) return {};
  const place = parseTraceparent(metadata.annotations?.[ANNOTATION_TRACEPARENT]);
  return place === undefined ? {} : { traceparent: formatTraceparent(place) };
};
