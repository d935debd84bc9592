import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithin, pointer, segmentsOf, valueAt } from './json-pointer.ts';

test('a pointer escapes slashes and tildes and reads them back', () => {
  const path = ['linux', 'sysctl', 'net/ipv4~x'];
  assert.equal(pointer(...path), '/linux/sysctl/net~1ipv4~0x');
  assert.deepEqual(segmentsOf(pointer(...path)), path);
  assert.deepEqual(segmentsOf(pointer('a', '')), ['a', '']);
  assert.deepEqual(segmentsOf(''), []);
});

test('a pointer leads to a value of the document and never to what objects inherit', () => {
  const document = { mounts: [{ destination: '/proc' }] };
  assert.equal(valueAt(document, '/mounts/0/destination'), '/proc');
  assert.equal(valueAt(document, ''), document);
  for (const nowhere of ['/mounts/1', '/mounts/length/x', '/constructor', '/__proto__', '/mounts/0/destination/0'])
    assert.equal(valueAt(document, nowhere), undefined, nowhere);
});

test('a place is within itself and its parents, not within a sibling whose name it begins with', () => {
  assert.ok(isWithin('/linux/namespaces/0', '/linux/namespaces'));
  assert.ok(isWithin('/linux', '/linux'));
  assert.ok(!isWithin('/linux/namespacesX', '/linux/namespaces'));
});
