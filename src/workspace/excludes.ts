import { bytePath, type BytePath } from './byte-path.ts';
import type { Observed } from './scan.ts';

/** Whether something of this name, in whatever folder, is left out of every commit. */
export type IsExcluded = (name: BytePath, type: Observed['type']) => boolean;

/**
 * What the patterns say, each of them one name in which `*` stands for anything, with `/` at its end for folders alone.
 * Without any, nothing is left out: a restored home is the home that was saved.
 */
export const makeExcludes = (patterns: readonly string[]): IsExcluded => {
  const rules = patterns.map((pattern) => {
    const name = bytePath(pattern.replace(/\/$/, ''));
    const parts = name.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    return { foldersOnly: pattern.endsWith('/'), name: new RegExp(`^${parts.join('[^]*')}$`) };
  });
  return (name, type) => rules.some((rule) => (!rule.foldersOnly || type === 'directory') && rule.name.test(name));
};
