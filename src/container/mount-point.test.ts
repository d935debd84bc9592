import assert from 'node:assert/strict';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PreparedMount } from '../init/inputs.ts';
import { findMountPoint, presentComponents } from './mount-point.ts';

function withImage(body: (root: number, path: string) => void): void {
  const path = mkdtempSync(join(tmpdir(), 'runt-image-'));
  const root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    body(root, path);
  } finally {
    closeSync(root);
    rmSync(path, { recursive: true });
  }
}

test('a mount point that the image has is found', () => {
  withImage((root, path) => {
    mkdirSync(join(path, 'a/b'), { recursive: true });
    assert.deepEqual(findMountPoint(root, '/a/b', true), { destination: '/a/b', exists: true });
    assert.deepEqual(findMountPoint(root, '/a/c', true), { destination: '/a/c', exists: false });
  });
});

test('a link to nothing is followed to where it leads, inside the root', () => {
  withImage((root, path) => {
    mkdirSync(join(path, 'etc'));
    symlinkSync('../run/resolve/stub.conf', join(path, 'etc/resolv.conf'));
    symlinkSync('/absolute', join(path, 'etc/abs'));
    symlinkSync('../../../../outside', join(path, 'etc/out'));
    assert.equal(findMountPoint(root, '/etc/resolv.conf', true).destination, '/run/resolve/stub.conf');
    assert.equal(findMountPoint(root, '/etc/abs/x', true).destination, '/absolute/x');
    assert.equal(findMountPoint(root, '/etc/out', true).destination, '/outside');
  });
});

test('links that lead round and round end', () => {
  withImage((root, path) => {
    symlinkSync('b', join(path, 'a'));
    symlinkSync('a', join(path, 'b'));
    assert.equal(findMountPoint(root, '/a', true).exists, false);
  });
});

test('no link is followed where none may be', () => {
  withImage((root, path) => {
    symlinkSync('/etc', join(path, 'proc'));
    assert.deepEqual(findMountPoint(root, '/proc', false), { destination: '/proc', exists: false });
  });
});

test('a place behind a link does not count as there: a later mount may hide it', () => {
  withImage((root, path) => {
    mkdirSync(join(path, 'run'));
    writeFileSync(join(path, 'run/x'), '');
    symlinkSync('run', join(path, 'var'));
    assert.equal(findMountPoint(root, '/var/x', true).exists, false);
  });
});

const fs = (destination: string, type: string): PreparedMount => ({
  kind: 'filesystem',
  type,
  destination,
  present: 0,
});

test('what is there for sure depends on the last mount that covers the place', () => {
  assert.equal(presentComponents('/a/b', true, []), 2);
  assert.equal(presentComponents('/a/b', false, []), 0);
  // An empty file system has nothing but its own root, whatever the image has there.
  assert.equal(presentComponents('/dev/pts', true, [fs('/dev', 'tmpfs')]), 1);
  // In sysfs nothing can be made: it is there, or it is an error.
  assert.equal(presentComponents('/sys/fs/cgroup', false, [fs('/sys', 'sysfs')]), 3);
  assert.equal(presentComponents('/dev', false, [fs('/dev', 'tmpfs')]), 1);
  assert.equal(presentComponents('/devices', false, [fs('/dev', 'tmpfs')]), 0);
});
