import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';

test('a swap of two neighbours is one edit', () => {
  assert.equal(editDistance('satte', 'state'), 1);
  assert.equal(editDistance('bundel', 'bundle'), 1);
});

test('inserts, deletes and replacements count one each', () => {
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('kill', 'kil'), 1);
  assert.equal(editDistance('list', 'lost'), 1);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});

test('the closest name is suggested for a typo', () => {
  assert.equal(nearest('crate', ['start', 'create', 'state']), 'create');
  assert.equal(nearest('SIGKIL', ['SIGKILL', 'SIGILL']), 'SIGKILL');
});

test('nothing is suggested for a word that resembles none', () => {
  assert.equal(nearest('frobnicate', ['start', 'create', 'state']), undefined);
});

test('a word of megabytes is not compared letter by letter with every name', () => {
  const begin = performance.now();
  assert.equal(nearest('x'.repeat(8_000_000), ['start', 'create', 'state']), undefined);
  // Comparing takes seconds; this is a look at three lengths.
  assert.ok(performance.now() - begin < 1000);
});
