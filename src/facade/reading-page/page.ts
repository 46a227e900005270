import { METHODS, type OpenApiDocument } from '../openapi/openapi-types.ts';
import { html, type Html } from './html.ts';
import { type Endpoint, operationAnchor, operationSection, pathMarkup } from './operation-section.ts';
import { prose } from './prose.ts';
import { fieldList, schemaAnchor } from './schema-view.ts';
import { STYLE } from './style.ts';

/** The API's description as one page to read: no script, nothing from elsewhere, light or dark as the reader has it. */
export const readingPage = (document: OpenApiDocument): string => {
  const { info, tags } = document;
  const endpoints = endpointsOf(document);
  const groups = tags.map((tag) => ({
    tag,
    endpoints: endpoints.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const title = String(info['title']);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} API</title>
        <style>
          ${{ html: STYLE }}
        </style>
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        <nav aria-label="Contents">
          <p class="brand"><a href="#top">${title}</a> <span class="version">${String(info['version'])}</span></p>
          ${groups.map(({ tag, endpoints: own }) => group(tag.name, own))}
          <h2><a href="#schemas">Shapes</a></h2>
          <ul>
            ${Object.keys(document.components.schemas).map((name) => html`<li><a href="#${schemaAnchor(name)}">${name}</a></li>`)}
          </ul>
        </nav>
        <main id="content">
          <header id="top">
            <h1>${title}</h1>
            <p class="lead">${String(info['summary'])}</p>
            ${prose(String(info['description']))}
            <p><a href="openapi.json">openapi.json</a> is the same for programs.</p>
          </header>
          ${groups.map(
            ({ tag, endpoints: own }) =>
              html`<section id="tag-${tag.name}">
                <h2><a class="anchor" href="#tag-${tag.name}">${heading(tag.name)}</a></h2>
                ${prose(tag.description)}${own.map((endpoint) => operationSection(endpoint, document))}
              </section>`,
          )}
          <section id="schemas">
            <h2><a class="anchor" href="#schemas">Shapes</a></h2>
            ${Object.entries(document.components.schemas).map(
              ([name, schema]) =>
                html`<section class="operation" id="${schemaAnchor(name)}">
                  <h3><a class="anchor" href="#${schemaAnchor(name)}">${name}</a></h3>
                  ${prose(schema['description'] as string | undefined)}${fieldList(schema)}
                </section>`,
            )}
          </section>
        </main>
      </body>
    </html> `;
  return page.html;
};

const endpointsOf = ({ paths }: OpenApiDocument): readonly Endpoint[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );

const group = (name: string, endpoints: readonly Endpoint[]): Html =>
  html`<h2><a href="#tag-${name}">${heading(name)}</a></h2>
    <ul>
      ${endpoints.map(
        ({ method, path, operation }) =>
          html`<li>
            <a href="#${operationAnchor(operation)}" title="${operation.summary}"
              ><span class="method ${method}">${method}</span><span class="path">${pathMarkup(path)}</span></a
            >
          </li>`,
      )}
    </ul>`;

const heading = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
