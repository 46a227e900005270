import { z } from 'zod';
import type { FacadeDependencies } from '../dependencies.ts';
import { openApiDocument } from '../openapi/document.ts';
import { readingPage } from '../reading-page/page.ts';
import { type Route, route, type UpgradeRoute } from '../route.ts';

/** A page without a script, a picture or anything from elsewhere; the browser is told so. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The API's own description, of these routes themselves as well: as a document for programs and as a page for people. */
export const descriptionRoutes = (
  { version, settings }: Pick<FacadeDependencies, 'version' | 'settings'>,
  others: readonly Route[],
  upgradeRoutes: readonly UpgradeRoute[],
): readonly Route[] => {
  const page = (path: string, operationId: string) =>
    route({
      method: 'GET',
      path,
      operationId,
      tag: 'service',
      summary: 'The API as a page to read',
      access: { kind: 'open' },
      responses: { 200: { description: 'The page.', contentType: 'text/html', schema: z.string() } },
      handle: (context) => {
        context.set('Content-Security-Policy', PAGE_POLICY);
        context.type = 'text/html; charset=utf-8';
        context.body = rendered().html;
      },
    });
  const own: readonly Route[] = [
    route({
      method: 'GET',
      path: '/openapi.json',
      operationId: 'getOpenApi',
      tag: 'service',
      summary: 'The API as an OpenAPI 3.1 document',
      access: { kind: 'open' },
      responses: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
      handle: (context) => {
        context.type = 'application/json; charset=utf-8';
        context.body = rendered().json;
      },
    }),
    page('/docs', 'getDocs'),
    page('/redoc', 'getRedoc'),
  ];
  let kept: { readonly json: string; readonly html: string } | undefined;
  // At the first question: a process that nobody asks does not pay for it.
  const rendered = () => {
    if (kept !== undefined) return kept;
    const routes = [...others, ...own];
    const document = openApiDocument({ routes, upgradeRoutes, version, apiKeyHeader: settings.apiKeyHeader });
    kept = { json: JSON.stringify(document), html: readingPage(document) };
    return kept;
  };
  return own;
};
