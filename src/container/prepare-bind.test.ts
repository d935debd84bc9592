import assert from 'node:assert/strict';
import { test } from 'node:test';
import { innerSource } from './prepare-bind.ts';

const at = (...places: string[]): string[] => places;
const roots = ['/link/rootfs', '/b/rootfs'];

test('a source in the root is looked for in the container, if an earlier mount is there, or below what is bound with all', () => {
  assert.equal(innerSource(roots, '/b/rootfs/mnt', false, at('/mnt')), '/mnt');
  assert.equal(innerSource(roots, '/link/rootfs/mnt/x', false, at('/proc', '/mnt')), '/mnt/x');
  assert.equal(innerSource(roots, '/b/rootfs/mnt', true, at('/mnt/x')), '/mnt');
  assert.equal(innerSource(roots, '/b/rootfs', true, at('/mnt')), '/');
});

test('all others are the host’s', () => {
  assert.equal(innerSource(roots, '/b/rootfs/mnt', true, []), undefined);
  assert.equal(innerSource(roots, '/b/rootfs/mnt', false, at('/mnt/x', '/mnt2')), undefined);
  assert.equal(innerSource(roots, '/b/rootfs2/mnt', true, at('/mnt')), undefined);
  assert.equal(innerSource(['/'], '/mnt', true, at('/mnt')), undefined);
});
