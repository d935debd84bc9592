import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacksHome, lastOfEachName } from './environment.ts';

test('of each name the last entry is kept, in the order of these', () => {
  assert.deepEqual(lastOfEachName(['A=1', 'B=2', 'A=', 'C=3', 'B=x=y']), ['A=', 'C=3', 'B=x=y']);
  assert.deepEqual(lastOfEachName(['=odd', '=other', 'none', 'none']), ['=odd', '=other', 'none']);
});

test('HOME is missing where there is none, or where the last is empty', () => {
  assert.equal(lacksHome(), true);
  assert.equal(lacksHome(['HOMES=/a', 'A=HOME=']), true);
  assert.equal(lacksHome(['HOME=/a', 'HOME=']), true);
  assert.equal(lacksHome(['HOME=', 'HOME=/a']), false);
});
