import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountPointOf, parseMountInfo } from './host-mounts.ts';

test('mountinfo is read with blanks in paths and optional fields', () => {
  const text = `22 1 8:1 / / rw - ext4 /dev/sda rw
30 22 0:5 /sub /mnt/a\\040b rw,relatime shared:3 master:1 - tmpfs tmpfs rw
`;
  assert.deepEqual(parseMountInfo(text), [
    { root: '/', mountPoint: '/', type: 'ext4' },
    { root: '/sub', mountPoint: '/mnt/a b', type: 'tmpfs' },
  ]);
});

test('the mount point that holds a path is the longest that begins it', () => {
  assert.equal(mountPointOf('/proc/self'), '/proc');
  assert.equal(mountPointOf('/no/such/place'), '/');
});
