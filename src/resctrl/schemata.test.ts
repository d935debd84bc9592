import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingFrom, schemataWrites } from './schemata.ts';

const values = (rdt: object) => schemataWrites(rdt).map(({ value, pointer }) => [value, pointer]);

test('caches come first, then bandwidth, then the lines of schemata together', () => {
  assert.deepEqual(values({ schemata: ['L2:0=f', '', 'MB:0=20'], memBwSchema: 'MB:0=50', l3CacheSchema: 'L3:0=7' }), [
    ['L3:0=7\n', '/linux/intelRdt/l3CacheSchema'],
    ['MB:0=50\n', '/linux/intelRdt/memBwSchema'],
    ['L2:0=f\nMB:0=20\n', '/linux/intelRdt/schemata'],
  ]);
});

test('what is absent or empty is not written', () => {
  assert.deepEqual(values({}), []);
  assert.deepEqual(values({ l3CacheSchema: '', memBwSchema: '', schemata: [] }), []);
});

const ACTUAL = '    L3:0=7ff;1=01f\n    MB:0= 20;1=100\n';

test('a class has what it has, whatever the kernel pads', () => {
  for (const wanted of ['L3:0=7ff;1=1f', 'L3:1=1F', 'MB:1=100;0=20', '', 'L3:0=0007ff'])
    assert.equal(missingFrom(ACTUAL, wanted), undefined, wanted);
});

test('what it does not have is named', () => {
  assert.equal(missingFrom(ACTUAL, 'L3:0=7ff;1=3f'), 'L3:1=3f, but it has 01f');
  assert.equal(missingFrom(ACTUAL, 'L3:2=1'), 'L3:2=1, but it has none');
  assert.equal(missingFrom(ACTUAL, 'L2:0=1'), 'L2:0=1, but it has none');
  assert.equal(missingFrom(ACTUAL, 'L3:0=xyz'), 'L3:0=xyz, but it has 7ff');
  assert.equal(missingFrom('', 'MB:0=10'), 'MB:0=10, but it has none');
});

test('bandwidths are compared as the kernel rounds them, masks are not', () => {
  assert.equal(missingFrom(ACTUAL, 'MB:0=15', 10), undefined);
  assert.equal(missingFrom(ACTUAL, 'MB:0=15'), 'MB:0=15, but it has 20');
  assert.notEqual(missingFrom(ACTUAL, 'L3:0=7f1', 16), undefined);
});
