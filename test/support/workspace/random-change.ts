import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readable } from './odd-tree.ts';
import type { SeededRandom } from './seeded-random.ts';
import { readTree, type TreeLine } from './tree.ts';

const NAMES = ['a', 'b', 'c', 'dir', 'x y', 'new\nline', '-n', '\xff\xfe', '\xc3\xa9', 'node_modules', 'n'.repeat(200)];
/** Around the limits at which a file is stored in another way; most are small. */
const SIZES = [0, 1, 10, 100, 511, 512, 513, 5000, 70_000, (4 << 20) - 1, 4 << 20, (8 << 20) + 1];

/** Does one random thing to a tree, as a user might. What cannot be done at this moment is no change. */
export const randomChange = (folder: string, random: SeededRandom): string => {
  const tree = readTree(folder, 0);
  const at = (path: string): Buffer => Buffer.from(`${folder}/${path}`, 'latin1');
  const ofType = (type: TreeLine['type']): readonly string[] =>
    tree.filter((l) => l.type === type && l.path !== '').map(({ path }) => path);
  const anything = tree.slice(1).map(({ path }) => path);
  const folders = ['', ...ofType('directory')];
  const newPath = (): string => {
    const parent = random.pick(folders);
    return parent === '' ? random.pick(NAMES) : `${parent}/${random.pick(NAMES)}`;
  };
  const content = (): Buffer => {
    const size = random.below(20) === 0 ? random.pick(SIZES) : random.pick(SIZES.slice(0, 9));
    return Buffer.alloc(size, random.below(4) === 0 ? '\0' : random.hex(3));
  };
  const file = (): string => random.pick(ofType('file'));
  const changes: Readonly<Record<string, () => void>> = {
    create: () => writeFileSync(at(newPath()), content(), { flag: 'wx' }),
    overwrite: () => writeFileSync(at(file()), content()),
    append: () => appendFileSync(at(file()), content()),
    truncate: () => truncateSync(at(file()), random.pick(SIZES)),
    rename: () => renameSync(at(random.pick(anything)), at(newPath())),
    chmod: () =>
      chmodSync(
        at(random.pick([...ofType('file'), ...folders])),
        random.pick([0o700, 0o744, 0o755, 0o4711, 0].filter(readable)),
      ),
    symlink: () =>
      symlinkSync(random.pick([Buffer.from('/etc'), Buffer.from('..'), at('a'), Buffer.from([0xff])]), at(newPath())),
    hardlink: () => linkSync(at(random.pick([...ofType('file'), ...ofType('symlink')])), at(newPath())),
    remove: () => rmSync(at(random.pick(anything)), { recursive: true }),
    mkdir: () => mkdirSync(at(newPath())),
    times: () => utimesSync(at(file()), random.below(2 ** 31), random.below(2 ** 31) + random.float()),
    'directory becomes file': () => {
      const path = at(random.pick(ofType('directory')));
      rmSync(path, { recursive: true });
      writeFileSync(path, content());
    },
    'file becomes directory': () => {
      const path = at(file());
      rmSync(path);
      mkdirSync(path);
    },
  };
  const name = random.pick([...Object.keys(changes), 'create', 'create', 'mkdir']);
  try {
    changes[name]?.();
    return name;
  } catch (thrown) {
    if (typeof (thrown as { code?: unknown }).code === 'string') return `${name}: not possible`;
    throw thrown;
  }
};
