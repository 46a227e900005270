import { ANNOTATION_TRACEPARENT } from '../api/names.ts';
import { formatTraceparent } from '../base/traceparent.ts';
import type { Tracer } from '../base/tracer.ts';

/**
 * What a write that asks for a start or an end tells of the trace that it belongs to, so that what the controller and the
 * node driver do for it is seen below the request. Nothing where there is none.
 */
export const traceAnnotation = (tracer: Tracer | undefined): Readonly<Record<string, string>> => {
  const place = tracer?.current()?.place();
  return place === undefined ? {} : { [ANNOTATION_TRACEPARENT]: formatTraceparent(place) };
};
