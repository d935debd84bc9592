import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNumber, firstType, stringAt, typesIn } from './sd-bus-message.ts';
import { addressOf } from './syscall.ts';

test('a signature is split into its complete types', () => {
  assert.deepEqual(typesIn('ssa(sv)a(sa(sv))'), ['s', 's', 'a(sv)', 'a(sa(sv))']);
  assert.deepEqual(typesIn('aasa{sv}(i(ss))'), ['aas', 'a{sv}', '(i(ss))']);
  assert.equal(firstType('vs'), 'v');
  assert.deepEqual(typesIn(''), []);
  assert.throws(() => firstType('a(s'));
});

test('a number has the width of its type', () => {
  assert.deepEqual([...encodeNumber('t', 0xffff_ffff_ffff_ffffn)], Array(8).fill(255));
  assert.deepEqual([...encodeNumber('i', -2)], [254, 255, 255, 255]);
  assert.deepEqual([...encodeNumber('y', 7)], [7]);
  assert.deepEqual([...encodeNumber('b', true)], [1, 0, 0, 0]);
  assert.equal(Buffer.from(encodeNumber('d', 0.5)).readDoubleLE(0), 0.5);
});

test('a C string is read from its address', () => {
  const bytes = Buffer.from('a bus\0behind');
  assert.equal(stringAt(addressOf(bytes)), 'a bus');
  assert.equal(bytes.length, 12);
});
