import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countProperties, mayHaveDuplicates, mayHaveLongNumbers, scan } from './scan.ts';

test('integers that a double can not hold are found by their pointers, whatever stands around them', () => {
  const text =
    '{"a/b": [1, {"x": 18446744073709551615}, -9223372036854775808], "s": "1111111111111111111", "t": {"\\u0061": 9007199254740993}}';
  assert.ok(mayHaveLongNumbers(text));
  assert.deepEqual(
    [...scan(text).longNumbers],
    [
      ['/a~1b/1/x', '18446744073709551615'],
      ['/a~1b/2', '-9223372036854775808'],
      ['/t/a', '9007199254740993'],
    ],
  );
});

test('a container id of digits in a string does not count as a long number', () => {
  assert.ok(!mayHaveLongNumbers('{"path": "/containers/1388029700136855568235011360438010"}'));
});

test('a name that occurs twice in one object is found, also when it is written with escapes', () => {
  const text = '{"a": {"b": 1, "c": [{"d": 1}, {"d": 2}], "\\u0062": {"e": 1}}, "b": 1}';
  assert.deepEqual(scan(text).duplicates, ['/a/b']);
  assert.ok(mayHaveDuplicates(text, countProperties(JSON.parse(text))));
});

test('text without duplicates is told from text with them by counting, also where strings look like names', () => {
  const clean = '{"a": "b", "c": {"d": [{"e": ""}]}, "": 1, "q": "x\\":1"}';
  assert.ok(!mayHaveDuplicates(clean, countProperties(JSON.parse(clean))));
  for (const twice of ['{"a":1,"a":1}', '{"a" : 1, "a"\n:1}', '{"x\\\\":1,"a":1,"a":2}', '{"":1,"":2}'])
    assert.ok(mayHaveDuplicates(twice, countProperties(JSON.parse(twice))), twice);
});

test('a document of any depth is counted and scanned', () => {
  const deep = `${'{"a":['.repeat(20_000)}${']}'.repeat(20_000)}`;
  assert.equal(countProperties(JSON.parse(deep)), 20_000);
  assert.deepEqual(scan(deep).duplicates, []);
});
