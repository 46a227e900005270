import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { FAULTS, type FaultClass } from './faults.ts';
import { LINES, type AcceptanceLine } from './lines.ts';

/** A test that says which lines it shows. */
export interface LinkedTest {
  readonly id: string;
  readonly file: string;
  readonly title: string;
}

const TESTS = ['test/**/*.test.ts', 'sandbox-image/sdk/tests/**/test_*.py', 'test/**/test_*.py', 'test/**/*.bats'];
const ID = /\[((?:A\d+\.\d+|[TF]\d+))\]/g;
/** A title, or the first line of a docstring: a quoted text on one line that holds ids. */
const TITLED = /(['"`]{1,3})((?:(?!\1).)*?\[(?:A\d+\.\d+|[TF]\d+)\](?:(?!\1).)*)/g;

/** Every mention of a line in the tests, in the order of the files. `root` is the project's folder. */
export const linkedTests = async (root: string): Promise<readonly LinkedTest[]> => {
  const files: string[] = [];
  for (const pattern of TESTS) for await (const file of glob(pattern, { cwd: root })) files.push(file);
  // Its own tests hold examples.
  const others = files.filter((file) => !file.startsWith('test/acceptance/'));
  return others.sort().flatMap((file) => titlesIn(file, readFileSync(`${root}/${file}`, 'utf8')));
};

export const titlesIn = (file: string, text: string): readonly LinkedTest[] =>
  text.split('\n').flatMap((line) =>
    [...line.matchAll(TITLED)].flatMap(([, , title = '']) =>
      [...title.matchAll(ID)].map(([, id = '']) => ({
        id,
        file,
        title: title.replaceAll(/\s*\[(?:A\d+\.\d+|[TF]\d+)\]/g, '').trim(),
      })),
    ),
  );

/** docs/acceptance.md. */
export const acceptanceTable = (
  tests: readonly LinkedTest[],
): string => `# What the original did, and the tests that show it here

Written by \`make generate\` from the titles of the tests. \`A\` lines are what it did, \`T\` lines its defects, which must not
exist here.

| line | what holds | shown by |
| ---- | ---------- | -------- |
${LINES.map((line) => row(line, [shownBy(tests, line)])).join('\n')}
`;

/** docs/faults.md. */
export const faultTable = (tests: readonly LinkedTest[]): string => {
  const shown = (fault: FaultClass, isReal: boolean): string =>
    shownBy(
      tests.filter((test) => isOnCluster(test) === isReal),
      fault,
    );
  return `# Classes of faults, and the tests that show what becomes of each

Written by \`make generate\` from the titles of the tests. The tests of the last column run on a cluster: with a real API server
behind a proxy that breaks what is asked of it (\`test/support/api-server-proxy\`), or on a real node.

| class | what goes wrong | shown on models | shown on a cluster |
| ----- | --------------- | --------------- | ------------------ |
${FAULTS.map((fault) => row(fault, [shown(fault, false), shown(fault, true)])).join('\n')}
`;
};

/** With a real API server, and where it takes one a real node. */
export const isOnCluster = ({ file }: LinkedTest): boolean => file.startsWith('test/e2e/');

const row = ({ id, says }: AcceptanceLine, cells: readonly string[]): string =>
  `| ${[id, escape(says), ...cells].join(' | ')} |`;

const shownBy = (tests: readonly LinkedTest[], { id }: AcceptanceLine): string =>
  tests
    .filter((test) => test.id === id)
    .map(({ file, title }) => `[${escape(title)}](../${file})`)
    .join('<br>');

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
