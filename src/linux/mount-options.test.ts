import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
} from './mount-constants.ts';
import { knownMountOptions, optionValue, parseMountOptions } from './mount-options.ts';

/** The table of the specification's config.md, "Linux mount options". */
const TABLE =
  'async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync unbindable'.split(
    ' ',
  );

test('every option of the specification’s table is known, and none is given to the file system as its own', () => {
  const known = knownMountOptions();
  const own = ['sync', 'dirsync', 'lazytime', 'mand', 'iversion'];
  for (const word of TABLE) {
    assert.ok(known.includes(word), word);
    assert.deepEqual(parseMountOptions([word]).superblock, own.includes(word) ? [word] : [], word);
  }
});

test('a later word overrides an earlier one', () => {
  assert.deepEqual(parseMountOptions(['ro', 'rw']).attributes, { set: 0, clear: MOUNT_ATTR_RDONLY });
  assert.deepEqual(parseMountOptions(['rw', 'ro']).attributes, { set: MOUNT_ATTR_RDONLY, clear: 0 });
  assert.deepEqual(parseMountOptions(['sync', 'async']).superblock, []);
});

test('access times are one setting, which is cleared before it is set', () => {
  assert.deepEqual(parseMountOptions(['noatime']).attributes, { set: MOUNT_ATTR_NOATIME, clear: MOUNT_ATTR__ATIME });
  assert.equal(parseMountOptions(['noatime', 'strictatime']).attributes.set, MOUNT_ATTR_STRICTATIME);
});

test('idmap is for the mount, ridmap for all below; the last one counts', () => {
  assert.equal(parseMountOptions(['rbind']).idmap, undefined);
  assert.deepEqual(parseMountOptions(['idmap']).idmap, { recursive: false });
  assert.deepEqual(parseMountOptions(['idmap', 'ridmap']).idmap, { recursive: true });
});

test('norelatime and nostrictatime leave the choice to the kernel, which is relatime', () => {
  for (const word of ['norelatime', 'nostrictatime', 'atime'])
    assert.deepEqual(parseMountOptions([word]).attributes, { set: 0, clear: MOUNT_ATTR__ATIME }, word);
});

test('words that begin with r hold for all mounts below', () => {
  const { attributes, recursiveAttributes, bind } = parseMountOptions(['rbind', 'nosuid', 'rro', 'rnoexec']);
  assert.deepEqual(attributes, { set: MOUNT_ATTR_NOSUID, clear: 0 });
  assert.deepEqual(recursiveAttributes, { set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, clear: 0 });
  assert.deepEqual(bind, { recursive: true });
});

test('propagation keeps its order, what nobody knows goes to the file system, extensions are told apart', () => {
  const options = parseMountOptions(['shared', 'rprivate', 'size=1m', 'mode=755', 'tmpcopyup', 'nodev']);
  assert.deepEqual(options.propagation, [
    { flag: MS_SHARED, recursive: false },
    { flag: MS_PRIVATE, recursive: true },
  ]);
  assert.deepEqual(options.superblock, ['size=1m', 'mode=755']);
  assert.deepEqual(options.extensions, ['tmpcopyup']);
  assert.equal(options.attributes.set, MOUNT_ATTR_NODEV);
});

test('a label of SELinux loses the quotes that kept its commas together, and nothing else does', () => {
  const value = (option: string) => optionValue(option, option.indexOf('='));
  assert.equal(value('context="a:b:c:s0:c1,c2"'), 'a:b:c:s0:c1,c2');
  assert.equal(value('fscontext="a:b:c"'), 'a:b:c');
  assert.equal(value('context=a:b:c'), 'a:b:c');
  assert.equal(value('context="'), '"');
  assert.equal(value('size="1"'), '"1"');
  assert.equal(value('mycontext="1"'), '"1"');
});

test('a word that every object has a property of is an option of the file system, as any other', () => {
  for (const word of ['constructor', 'toString', '__proto__', 'rconstructor', 'hasOwnProperty'])
    assert.deepEqual(parseMountOptions([word]).superblock, [word]);
});
