import { errorType, type Tracer } from '../base/tracer.ts';
import type { Call } from './caller.ts';
import { KubeError } from './errors.ts';

/** What a path is about. */
interface Target {
  /** `sandboxes/{name}/status`: few of them, so that it can be in a span's name. */
  readonly template: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

const PATH = /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/([^/]+)(?=\/))?\/([^/?]+)(?:\/([^/?]+))?(?:\/([^?]+))?/;

/**
 * One call to the API server as a client span, by OpenTelemetry's conventions for HTTP and for Kubernetes. Without its
 * query and without what was said: a refusal may quote what was written. Only below another span: what nobody asked for
 * (leases, lists of informers, reports) would be traces of one span each, for ever.
 */
export const tracedCall = async <T>(
  tracer: Tracer,
  { method, path }: Call,
  host: string,
  work: (onStatus: (code: number) => void) => Promise<T>,
): Promise<T> => {
  if (tracer.current()?.place() === undefined) return work(() => undefined);
  const { template, namespace, name } = targetOf(path);
  const { hostname, port } = new URL(`https://${host}`);
  const span = tracer.open(`${method} ${template}`, {
    kind: 'client',
    attributes: {
      'http.request.method': method,
      'server.address': hostname,
      'server.port': port === '' ? 443 : Number(port),
      'url.template': template,
      'k8s.namespace.name': namespace,
      'k8s.object.name': name,
    },
  });
  try {
    const answer = await span.run(() => work((code) => span.note({ 'http.response.status_code': code })));
    span.end();
    return answer;
  } catch (error) {
    span.end(error instanceof KubeError ? error.reason : errorType(error));
    throw error;
  }
};

const targetOf = (path: string): Target => {
  const [, namespace, plural = 'unknown', name, subresource] = PATH.exec(path) ?? [];
  const template = [
    plural,
    ...(name === undefined ? [] : ['{name}']),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return { template: template.join('/'), namespace, name };
};
