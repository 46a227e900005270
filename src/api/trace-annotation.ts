import { formatTraceparent } from '../base/traceparent.ts';
import type { Tracer } from '../base/tracer.ts';
import { ANNOTATION_TRACEPARENT } from './names.ts';

/**
 * What a write tells of the trace that it belongs to: a request of the facade to the controller, and a pod of the pass
 * that made it to the node driver. Nothing where there is none.
 */
export const traceAnnotation = (tracer: Tracer | undefined): Readonly<Record<string, string>> => {
  const place = tracer?.current()?.place();
  return place === undefined ? {} : { [ANNOTATION_TRACEPARENT]: formatTraceparent(place) };
};
