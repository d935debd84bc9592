import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import { type BindPlace, isCopiedInTurn } from './bind-attributes.ts';

const place = { source: '/volume', recursive: true, destination: '/data', roots: ['/bundle/rootfs'] };

function inTurn(change: Partial<BindPlace> = {}, linux: Config['linux'] = {}, mounts: Config['mounts'] = []): boolean {
  const config = { ociVersion: '1.3.0', linux: { namespaces: [{ type: 'mount' }], ...linux }, mounts } as Config;
  return isCopiedInTurn(config, { ...place, ...change });
}

test('init copies the source of a bind mount in its turn', () => {
  assert.equal(inTurn(), true);
  assert.equal(inTurn({}, { rootfsPropagation: 'slave' }), true);
});

test('what only the runtime sees, or what would be another thing by then, is copied before', () => {
  assert.equal(inTurn({}, { namespaces: [] }), false);
  assert.equal(inTurn({}, { namespaces: [{ type: 'mount', path: '/proc/1/ns/mnt' }] }), false);
  for (const rootfsPropagation of ['shared', 'rprivate', 'unbindable'])
    assert.equal(inTurn({}, { rootfsPropagation } as Config['linux']), false, rootfsPropagation);
  for (const source of ['/proc', '/proc/self/fd/7', '/bundle/rootfs', '/bundle/rootfs/bin', '/bundle', '/'])
    assert.equal(inTurn({ source }), false, source);
  for (const destination of ['/', '/proc']) assert.equal(inTurn({ destination }), false, destination);
  assert.equal(inTurn({}, {}, [{ destination: '/run', type: 'tmpfs', options: ['tmpcopyup'] }]), false);
});

test('what lies beside the root, or above it without what is mounted there, is not concerned', () => {
  for (const source of ['/bundle/rootfs2', '/process', '/bundle/root']) assert.equal(inTurn({ source }), true, source);
  assert.equal(inTurn({ source: '/bundle', recursive: false }), true);
});
