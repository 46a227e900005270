/**
 * What CHANGELOG.md says of a version: the text below its heading `## 1.2.3 - 2026-01-31`, up to the next one. Throws where
 * there is no such heading, or nothing below it.
 */
export const changelogSection = (changelog: string, version: string): string => {
  const lines = changelog.split('\n');
  const start = lines.findIndex((line) => line.split(' ').slice(0, 2).join(' ') === `## ${version}`);
  if (start === -1) throw new Error(`CHANGELOG.md has no heading "## ${version} - DATE": write what has changed`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.startsWith('## '));
  const section = (end === -1 ? rest : rest.slice(0, end)).join('\n').trim();
  if (section === '') throw new Error(`CHANGELOG.md says nothing below "## ${version}": write what has changed`);
  return section;
};
