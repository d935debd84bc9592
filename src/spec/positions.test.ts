import assert from 'node:assert/strict';
import { test } from 'node:test';
import { positionsOf, syntaxErrors } from './positions.ts';

const text = `{
  "process": {"cwd": "/",
\t"args": [ "sh",
    "-c" ] },
  "process": {"cwd": "x"}
}`;

test('line and column of a value and of a name count from one', () => {
  const positions = positionsOf(text);
  assert.deepEqual(positions.value('/process/args/1'), { line: 4, column: 5 });
  assert.deepEqual(positions.name('/process/args'), { line: 3, column: 2 });
  assert.deepEqual(positions.value(''), { line: 1, column: 1 });
});

test('of a name that occurs twice the last value counts, and both names have places', () => {
  const positions = positionsOf(text);
  assert.deepEqual(positions.value('/process/cwd'), { line: 5, column: 22 });
  assert.deepEqual(positions.name('/process', 0), { line: 2, column: 3 });
  assert.deepEqual(positions.name('/process', 1), { line: 5, column: 3 });
});

test('what is not there has the place of what would hold it', () => {
  assert.deepEqual(positionsOf(text).value('/process/env/3'), { line: 5, column: 14 });
});

test('malformed JSON is reported with its line', () => {
  const [error] = syntaxErrors('{\n  "a": 1\n  "b": 2\n}');
  assert.deepEqual(error?.position, { line: 3, column: 3 });
  assert.equal(error?.source, '  "b": 2');
  assert.match(error?.message ?? '', /comma/);
});

test('a document that is nested deeper than the parser can follow has no positions, and does no harm', () => {
  const deep = '['.repeat(100_000);
  assert.deepEqual(syntaxErrors(deep), []);
  assert.deepEqual(positionsOf(`${deep}${']'.repeat(100_000)}`).value('/0'), { line: 1, column: 1 });
});
