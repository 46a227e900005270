import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { K3S_VERSION } from '../../src/local/cluster/k3s-release.ts';
import { TERRAFORM } from './read-module.ts';

const FOLDER = join(TERRAFORM, 'bootstrap');
const scripts = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));
const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const settings = readFileSync(join(TERRAFORM, 'bootstrap.tf'), 'utf8');

/** As Terraform sends them: without comments, of which the lines stay. */
const withoutComments = (text: string): string => text.replaceAll(/^ *#([^!\n].*)?$/gm, '');

/** The commands of a script, in bash's own words; comments of the files that it writes left out. */
const asBashReads = (text: string): readonly string[] =>
  execFileSync('bash', ['-c', `script() {\n${text}\n}\ndeclare -f script`], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => !/^ *(#.*)?$/.test(line));

test('what Terraform takes out of the scripts is comments: they are the same programs without, line by line', () => {
  expect(settings).toContain(String.raw`comment = "/(?m)^ *#([^!\n].*)?$/"`);
  for (const { name, text } of scripts) {
    const sent = withoutComments(text);
    expect([name, sent.split('\n').length]).toEqual([name, text.split('\n').length]);
    expect([name, sent.startsWith('#!')]).toEqual([name, text.startsWith('#!')]);
    if (name.endsWith('.service')) continue;
    expect([name, asBashReads(sent)]).toEqual([name, asBashReads(text)]);
  }
});

test('the scripts fit, compressed, into what EC2 takes as user data [A9.3]', () => {
  const files = scripts.map(({ name, text }) => ({
    path: `/usr/local/lib/matrx/bootstrap/${name}`,
    permissions: '0755',
    content: withoutComments(text),
  }));
  // What Terraform adds: the host's own lines, the commands, and < > & as six characters each.
  const escaped = JSON.stringify({ write_files: files }).replaceAll(/[<>&]/g, String.raw`\u003c`);
  expect(gzipSync(escaped).length + 500).toBeLessThan(16_384);
});

test('the host gets the k3s that make up gets, by the same checksums [A9.3]', () => {
  const release = readFileSync(join(import.meta.dirname, '../../src/local/cluster/k3s-release.ts'), 'utf8');
  const sums = (text: string): readonly string[] => text.match(/\b[0-9a-f]{64}\b/g) ?? [];
  expect(/^readonly K3S_VERSION=(.*)$/m.exec(textOf('k3s.sh'))?.[1]).toBe(K3S_VERSION);
  expect(sums(textOf('k3s.sh'))).toEqual(sums(release));
  expect(sums(release)).toHaveLength(2);
});

test('every setting that Terraform writes is one that the host knows, and the copy has one name on both sides', () => {
  const known = new Set(Array.from(textOf('settings.sh').matchAll(/^setting (\w+) /gm), ([, name]) => name));
  const written = Array.from(settings.matchAll(/\b(MATRX_\w+)\s*=/g), ([, name]) => name);
  expect(written.length).toBeGreaterThan(10);
  expect(written.filter((name) => !known.has(name))).toEqual([]);
  const key = /backup_key = "\.matrx\/host\/\$\{local\.name\}(.*)"/.exec(
    readFileSync(join(TERRAFORM, 'iam.tf'), 'utf8'),
  );
  expect(textOf('datastore.sh')).toContain(`.matrx/host/$MATRX_NAME${String(key?.[1])}"`);
});
