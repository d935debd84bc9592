import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitMask, maskText, parseNumberList } from './number-list.ts';

test('a list is numbers and ranges, with blanks around them', () => {
  assert.deepEqual(parseNumberList('0-3,7', 64), [0, 1, 2, 3, 7]);
  assert.deepEqual(parseNumberList(' 9 , 2-2,1-2', 64), [1, 2, 9]);
});

test('what is no list, runs backwards or goes beyond the limit is none', () => {
  for (const list of ['', '1,', '3-1', '-1', '1-', 'a', '1 2', '0-9876543210', '64'])
    assert.equal(parseNumberList(list, 64), undefined, list);
});

test('a mask has whole 64-bit words', () => {
  assert.deepEqual([...bitMask([0, 9])], [1, 2, 0, 0, 0, 0, 0, 0]);
  assert.equal(bitMask([64]).length, 16);
  assert.equal(bitMask([64])[8], 1);
});

test('a mask as text is one number, whatever its size', () => {
  assert.equal(maskText(bitMask([0, 1])), '0x3');
  assert.equal(maskText(bitMask([3, 64])), '0x10000000000000008');
});
