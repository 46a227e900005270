import { describe, expect, it } from '@jest/globals';
import { describedApi } from '../../src/facade/openapi/described-api.ts';
import { METHODS } from '../../src/facade/openapi/openapi-types.ts';
import { html } from '../../src/facade/reading-page/html.ts';
import { readingPage } from '../../src/facade/reading-page/page.ts';
import { prose } from '../../src/facade/reading-page/prose.ts';
import { startFacade } from './support/facade.ts';

const document = describedApi({ version: '0.1.0', apiKeyHeader: 'X-API-Key' });
const page = readingPage(document);

describe.each(['/docs', '/redoc'])('GET %s', (path) => {
  it('is a page to read, open to everyone [A1.1] [A1.3]', async () => {
    const facade = await startFacade();
    const { status, headers, body } = await facade.request(path, { headers: { 'X-API-Key': null } });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(body).toContain('<h1>matrx-sandbox</h1>');
  });
});

describe('the reading page', () => {
  it('needs no script and nothing from elsewhere', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|javascript:/i);
    expect(page).not.toMatch(/\son\w+=/i);
    expect([...page.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, target = '']) => target)).toEqual(
      [...page.matchAll(/(?:href|src)="(#[^"]*|openapi\.json)"/g)].map(([, target = '']) => target),
    );
  });

  it('has every operation, and no link that leads nowhere', () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const operations = Object.values(document.paths).flatMap((item) => METHODS.flatMap((method) => item[method] ?? []));
    for (const { operationId } of operations) expect(ids).toContain(`op-${operationId}`);
    for (const [, target = ''] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target);
  });

  it('closes what it opens', () => {
    const open: string[] = [];
    const body = page.replace(/<style>.*?<\/style>/s, '').replace(/<!doctype html>/i, '');
    for (const [, slash, name = ''] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
      if (['meta', 'wbr'].includes(name)) continue;
      if (slash === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  it('shows text as text, whatever a description says', () => {
    const hostile = '<script>alert(1)</script> & "quotes"';
    const odd = readingPage({
      ...document,
      info: { ...document.info, title: hostile, description: hostile },
      components: { ...document.components, schemas: { Odd: { type: 'object', description: hostile } } },
    });
    expect(odd).not.toContain('<script>');
    expect(odd).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;');
  });

  it('looks as the reader has it: light or dark, wide or narrow', () => {
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toContain('prefers-reduced-motion');
    expect(page).toContain('name="viewport"');
  });
});

describe('prose', () => {
  it.each([
    ['a `b` **c**', '<p>a <code>b</code> <strong>c</strong></p>'],
    ['one\n\ntwo', '<p>one</p><p>two</p>'],
    ['**', '<p>**</p>'],
    ['` and **', '<p>` and **</p>'],
    ['<b>', '<p>&lt;b&gt;</p>'],
  ])('%j', (text, expected) => {
    expect(prose(text)?.html).toBe(expected);
  });

  it('of nothing is nothing', () => {
    expect(html`<i>${prose('')}${undefined}</i>`.html).toBe('<i></i>');
  });
});
