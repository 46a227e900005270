import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The checkout this program runs from: `up` builds images and applies manifests from it. Throws when there is none. */
export const projectRoot = (start: string = import.meta.dirname): string => {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'manifests/base')) && existsSync(join(folder, 'sandbox-image'))) return folder;
    if (folder === dirname(folder)) {
      throw new Error(
        `${start} is not inside a checkout of matrx-sandbox: run this from one, it builds images and applies manifests`,
      );
    }
  }
};
