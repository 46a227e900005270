import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = globSync(['*.md', 'docs/*.md', 'terraform/*.md', 'manifests/**/*.md', 'sandbox-image/README.md'], {
  cwd: ROOT,
}).toSorted();
const LINK = /(?<!!)\[((?:[^[\]]|\[[^[\]]*\])*)\]\(([^()\s]+)\)/g;

interface Link {
  readonly text: string;
  readonly path: string;
  readonly anchor: string;
}

const linksOf = (text: string): readonly Link[] =>
  [...withoutCode(text).matchAll(LINK)]
    .map(([, title = '', target = '']) => {
      const [path = '', anchor = ''] = target.split('#');
      return { text: title, path, anchor };
    })
    .filter(({ path }) => !/^[a-z]+:/.test(path));

const withoutCode = (text: string): string => text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');

/** As GitHub makes them of headings. */
const anchorsOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    );

/** A title as it stands in the source of a test, without the ids of acceptance lines. */
const titlesIn = (source: string): string =>
  source.replaceAll(/\s*\[(?:A\d+\.\d+|T\d+)\]/g, '').replaceAll(String.raw`\'`, "'");

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');

  it('links to files and headings that there are', () => {
    const faults = linksOf(text).filter(({ path, anchor }) => {
      const target = path === '' ? join(ROOT, document) : join(ROOT, dirname(document), path);
      if (!existsSync(target)) return true;
      return anchor !== '' && target.endsWith('.md') && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
    });
    expect(faults).toEqual([]);
  });
});

describe('docs/threat-model.md', () => {
  const text = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');
  const claims = text
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('](../test/'))
    .map((line) => ({ claim: line.split('|')[1]?.trim() ?? '', links: linksOf(line) }));

  it('names for each claim tests that are there, under these names', () => {
    expect(claims.length).toBeGreaterThan(25);
    const missing = claims.flatMap(({ claim, links }) =>
      links
        .filter(({ text: title, path }) => !titlesIn(readFileSync(join(ROOT, 'docs', path), 'utf8')).includes(title))
        .map(({ text: title }) => `${claim}: ${title}`),
    );
    expect(missing).toEqual([]);
  });

  it('leaves no claim without a test', () => {
    const tables = text.split('\n## ').filter((section) => section.includes('| shown by'));
    const rows = tables.flatMap((section) =>
      section.split('\n').filter((line) => line.startsWith('| ') && !/^\| (claim|-+) /.test(line)),
    );
    expect(rows.filter((row) => !row.includes('](../test/'))).toEqual([]);
    expect(rows).toHaveLength(claims.length);
  });
});

it('a link to nowhere and a heading that there is not are found', () => {
  expect(linksOf('[a](b.md#c) `[x](y)` [web](https://example.com)')).toEqual([
    { text: 'a', path: 'b.md', anchor: 'c' },
  ]);
  expect(anchorsOf('# A node that will not come back\n## Backup, now')).toEqual([
    'a-node-that-will-not-come-back',
    'backup-now',
  ]);
});
