import type { FacadeDependencies } from '../dependencies.ts';
import { makeRoutes, makeUpgradeRoutes } from '../routes/table.ts';
import { openApiDocument } from './document.ts';
import type { OpenApiDocument } from './openapi-types.ts';

/** Stands for anything that a route may keep for when it is served: asked or called, it is the same again. */
const anything: unknown = new Proxy(() => undefined, {
  get: (_target, name) => (name === Symbol.toPrimitive ? () => 0 : anything),
  apply: () => anything,
});

/** The description of the API without an API: of the same routes, which are looked at and never served. */
export const describedApi = (given: { readonly version: string; readonly apiKeyHeader: string }): OpenApiDocument => {
  const { version, apiKeyHeader } = given;
  const known: Readonly<Record<string, unknown>> = { version, settings: { apiKeyHeader } };
  const dependencies = new Proxy(known, {
    get: (target, name) => (typeof name === 'string' && Object.hasOwn(target, name) ? target[name] : anything),
  }) as unknown as FacadeDependencies;
  return openApiDocument({
    routes: makeRoutes(dependencies),
    upgradeRoutes: makeUpgradeRoutes(dependencies),
    version,
    apiKeyHeader,
  });
};
