import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

test('durations are read as Go reads them', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['5s', 5000],
    ['100ms', 100],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['+2s', 2000],
    ['-2s', -2000],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['0', 0],
    ['0s', 0],
  ];
  for (const [text, milliseconds] of cases) assert.equal(parseDuration(text), milliseconds, text);
  assert.ok(Math.abs((parseDuration('10ns') ?? 0) - 1e-5) < 1e-12);
});

test('what has no unit, or is no duration, is none', () => {
  for (const text of ['', '5', '5 s', 's', '1d', 'five', '1s2', '.s', '-', '1s-2s', '1e3s'])
    assert.equal(parseDuration(text), undefined, text);
});
