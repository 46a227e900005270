import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const latin1 = (folder: string, name: string): Buffer => Buffer.from(`${folder}/${name}`, 'latin1');

const isRoot = process.geteuid?.() === 0;
/** The node driver is root and reads everything; a person's own process must be able to read what it commits. */
export const readable = (mode: number): boolean => isRoot || (mode & 0o400) !== 0;

/** Every odd thing a home may hold that is to come back exactly. */
export const makeOddTree = (folder: string): void => {
  const at = (path: string): string => join(folder, path);
  mkdirSync(at('empty directory'));
  mkdirSync(at('deep/er/and/deeper'), { recursive: true });
  writeFileSync(at('deep/er/and/deeper/file'), 'deep');
  writeFileSync(at('empty'), '');
  writeFileSync(at('one byte'), 'x');
  writeFileSync(at('just below the limit'), Buffer.alloc((4 << 20) - 1, 'a'));
  writeFileSync(at('at the limit'), Buffer.alloc(4 << 20, 'b'));
  writeFileSync(at('two blobs and a bit'), Buffer.alloc((16 << 20) + 5, 'c'));
  writeFileSync(at('copy of one byte'), 'x');

  writeFileSync(latin1(folder, 'not utf-8 \xff\xfe'), 'bytes');
  writeFileSync(at('new\nline\tand\x01control'), 'control');
  writeFileSync(at(' spaces '), 'spaces');
  writeFileSync(at('-rf'), 'option');
  writeFileSync(at('back\\slash "quote" $var `cmd` *?['), 'shell');
  writeFileSync(at('é composed'), 'nfc');
  writeFileSync(at('é decomposed'), 'nfd');
  writeFileSync(at('CASE'), 'upper');
  writeFileSync(at('case'), 'lower');
  writeFileSync(at('n'.repeat(255)), 'long name');
  mkdirSync(latin1(folder, 'd\xe9p\xf4t'));
  writeFileSync(latin1(folder, 'd\xe9p\xf4t/\x80'), 'in a folder that is not utf-8');
  const deep = Array.from({ length: 100 }, () => 'level').join('/');
  mkdirSync(at(deep), { recursive: true });
  writeFileSync(at(`${deep}/bottom`), 'long path');

  symlinkSync('one byte', at('link to a file'));
  symlinkSync('/etc/passwd', at('link out of the home'));
  symlinkSync('../../..', at('deep/link up'));
  symlinkSync('no such thing', at('broken link'));
  symlinkSync('loop', at('loop'));
  symlinkSync(latin1('', 'not utf-8 \xff\xfe').subarray(1), at('link to bytes'));
  symlinkSync('t'.repeat(300), at('link with a long target'));

  linkSync(at('one byte'), at('hard link'));
  linkSync(at('one byte'), at('deep/hard link'));
  linkSync(at('two blobs and a bit'), at('deep/large hard link'));
  linkSync(at('loop'), at('hard link to a symlink'));

  // A hole in front, in the middle, at the end, and nothing but a hole.
  writeFileSync(at('hole at the end'), 'data');
  truncateSync(at('hole at the end'), 20 << 20);
  execFileSync('truncate', ['-s', '30M', at('hole in front')]);
  writeFileSync(at('hole in front'), 'end', { flag: 'r+' });
  execFileSync('dd', [
    'if=/dev/zero',
    `of=${at('hole in front')}`,
    'bs=1',
    'count=1',
    'seek=29M',
    'conv=notrunc',
    'status=none',
  ]);
  execFileSync('truncate', ['-s', '50M', at('all hole')]);

  for (const mode of [0o000, 0o400, 0o111, 0o644, 0o755, 0o777, 0o4755, 0o2755, 0o1777, 0o6711]) {
    if (!readable(mode)) continue;
    writeFileSync(at(`mode ${mode.toString(8)}`), 'mode');
    chmodSync(at(`mode ${mode.toString(8)}`), mode);
    mkdirSync(at(`dir ${mode.toString(8)}`));
    writeFileSync(at(`dir ${mode.toString(8)}/file`), 'in');
    chmodSync(at(`dir ${mode.toString(8)}`), mode | (isRoot ? 0 : 0o700));
  }

  setTime(at('one byte'), '2001-02-03T04:05:06.000000001Z');
  setTime(at('empty'), '2030-01-01T00:00:00.999999999Z');
  setTime(at('CASE'), '1969-12-31T23:59:58.250000000Z');
  setTime(at('case'), '1970-01-01T00:00:00Z');
  setTime(at('link to a file'), '2020-06-07T08:09:10.123456789Z');
  setTime(at('broken link'), '2020-06-07T08:09:10.123456788Z');
  setTime(at('deep/er'), '2019-03-04T05:06:07.000000042Z');
  setTime(at('empty directory'), '2018-03-04T05:06:07.111111111Z');
  lutimesSync(at('loop'), 1, 2);
  utimesSync(at('deep'), 3, 4);
  setTime(folder, '2017-03-04T05:06:07.222222222Z');
};

/** Sets an mtime to the nanosecond, of a symlink itself. */
export const setTime = (path: string, time: string): void => {
  execFileSync('touch', ['--no-dereference', `--date=${time}`, '--', path]);
};
