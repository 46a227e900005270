import { expect, test } from '@jest/globals';
import { findMount, parseMountInfo } from '../../src/node/mount-table.ts';

const TABLE = [
  '22 1 253:1 / / rw,relatime shared:1 - ext4 /dev/root rw',
  '40 22 253:1 /a /mnt/with\\040space\\134 ro,nosuid,nodev,relatime shared:1 master:2 - ext4 /dev/root rw',
  '41 22 253:1 /b /mnt/twice rw shared:1 - ext4 /dev/root rw',
  '42 41 253:1 /c /mnt/twice rw,nodev - ext4 /dev/root rw',
  '',
].join('\n');

test('the mount table gives mount points with their spaces, and the topmost of several mounts', () => {
  const table = parseMountInfo(TABLE);
  expect(table).toHaveLength(4);
  expect(findMount(table, '/mnt/with space\\')?.options).toEqual(['ro', 'nosuid', 'nodev', 'relatime']);
  expect(findMount(table, '/mnt/twice')?.options).toEqual(['rw', 'nodev']);
  expect(findMount(table, '/mnt')).toBeUndefined();
});
