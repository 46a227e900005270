import { readFileSync } from 'node:fs';

/** The repository's root, where the README's commands are meant to be run. */
export const PROJECT_ROOT = new URL('../../../', import.meta.url).pathname;

/** The shell block of README.md that follows the comment `<!-- e2e: <mark> -->`, exactly as a reader would copy it. */
export const readmeCommands = (mark: string): string => {
  const text = readFileSync(`${PROJECT_ROOT}README.md`, 'utf8');
  const comment = `<!-- e2e: ${mark} -->`;
  const after = text.split(comment)[1];
  const block = after === undefined ? undefined : /^\s*```sh\n([\s\S]*?)\n```/.exec(after)?.[1];
  if (block === undefined) throw new Error(`README.md has no \`\`\`sh block right after ${comment}`);
  return block;
};
