import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanPath, resolvePath, stripRoot } from './paths.ts';
import { sysctlPath } from './sysctl.ts';

test('a clean path is absolute, without empty parts, and never above the root', () => {
  assert.equal(cleanPath('/a//b/./c/'), '/a/b/c');
  assert.equal(cleanPath('a/../b'), '/b');
  assert.equal(cleanPath('/../../a'), '/a');
  assert.equal(cleanPath(''), '/');
});

test('a relative path counts from its base, an absolute one does not', () => {
  assert.equal(resolvePath('/bundle', 'rootfs'), '/bundle/rootfs');
  assert.equal(resolvePath('/bundle', '../x'), '/x');
  assert.equal(resolvePath('/bundle', '/abs'), '/abs');
});

test('a sysctl’s first separator decides what the other one means', () => {
  assert.deepEqual(sysctlPath('net.ipv4.conf.eth0/100.forwarding'), ['net', 'ipv4', 'conf', 'eth0.100', 'forwarding']);
  assert.deepEqual(sysctlPath('net/ipv4/conf/eth0.100/forwarding'), ['net', 'ipv4', 'conf', 'eth0.100', 'forwarding']);
  for (const bad of ['net.../../x', 'net/../kernel/core_pattern', 'kernel', 'net.a\nb', 'net.a\0b', 'net..a']) {
    assert.equal(sysctlPath(bad), undefined, JSON.stringify(bad));
  }
});

test('the path of the root goes where somebody has put it before a path in the root', () => {
  assert.equal(stripRoot('/b/rootfs', '/b/rootfs/etc'), '/etc');
  assert.equal(stripRoot('/b/rootfs', '/b/rootfs'), '/');
  assert.equal(stripRoot('/b/rootfs', '/b/rootfs2/etc'), '/b/rootfs2/etc');
  assert.equal(stripRoot('/', '/etc'), '/etc');
});
