import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hugePageSize,
  NO_LIMIT,
  nonEmpty,
  nonZero,
  parseBlkio,
  parseIoStat,
  parseKeyed,
  parseList,
  parseNumber,
  parsePressure,
  parseSigned,
  parseUsageAll,
} from './parse.ts';

test('a number is read exactly, however large; max is no limit', () => {
  assert.equal(parseNumber('9223372036854771712\n'), 9223372036854771712n);
  assert.equal(parseNumber('max\n'), 18446744073709551615n);
  assert.equal(NO_LIMIT, 18446744073709551615n);
});

test('what is missing, negative or no number counts nothing', () => {
  for (const text of [undefined, '', '-1\n', 'x', '1 2']) assert.equal(parseNumber(text), 0n);
  assert.equal(parseSigned('-1\n'), -1n);
});

test('keyed lines come in the order of their keys; lines of another shape are left out', () => {
  const parsed = parseKeyed('pgfault 526\nanon 57344\nnuma 0 1 2\n\nfile 1609728\n');
  assert.deepEqual(Object.entries(parsed), [
    ['anon', 57344n],
    ['file', 1609728n],
    ['pgfault', 526n],
  ]);
});

test('lists of processors are ranges and numbers', () => {
  assert.deepEqual(parseList('0-2,7\n'), [0, 1, 2, 7]);
  assert.deepEqual(parseList('0\n'), [0]);
  assert.deepEqual(parseList('\n'), []);
});

test('usage_all has a column for user and one for system time', () => {
  assert.deepEqual(parseUsageAll('cpu user system\n0 1 4000000\n1 2 0\n'), { user: [1n, 2n], kernel: [4000000n, 0n] });
  assert.deepEqual(parseUsageAll(undefined), { user: [], kernel: [] });
});

test('block statistics of v1 keep the totals of devices, and leave out the total of all', () => {
  const text =
    '254:0 Read 181268480\n254:0 Write 809402368\n254:0 Total 1346256896\n8:16 512\n8:32 Discard 0\nTotal 1346256896\n';
  assert.deepEqual(parseBlkio(text), [
    { major: 254n, op: 'Read', value: 181268480n },
    { major: 254n, op: 'Write', value: 809402368n },
    { major: 254n, op: 'Total', value: 1346256896n },
    { major: 8n, minor: 16n, value: 512n },
    { major: 8n, minor: 32n, op: 'Discard' },
  ]);
  assert.deepEqual(parseBlkio('Total 0\n'), []);
});

test('io.stat is told in the words of v1; keys of I/O policies, and a device without numbers, are left out', () => {
  const text = '254:0 rbytes=65536 wbytes=0 rios=1 wios=2 dbytes=3 dios=4 cost.usage=5\n7:0\n';
  assert.deepEqual(parseIoStat(text), {
    bytes: [
      { major: 254n, op: 'Read', value: 65536n },
      { major: 254n, op: 'Write' },
      { major: 254n, op: 'Discard', value: 3n },
    ],
    operations: [
      { major: 254n, op: 'Read', value: 1n },
      { major: 254n, op: 'Write', value: 2n },
      { major: 254n, op: 'Discard', value: 4n },
    ],
  });
});

test('pressure has some and full; a kernel that accounts none has nothing', () => {
  const text =
    'some avg10=1.26 avg60=0.22 avg300=0.04 total=149032\nfull avg10=0.00 avg60=0.16 avg300=0.03 total=114909\n';
  assert.deepEqual(parsePressure(text), {
    some: { avg10: 1.26, avg60: 0.22, avg300: 0.04, total: 149032n },
    full: { avg10: 0, avg60: 0.16, avg300: 0.03, total: 114909n },
  });
  assert.deepEqual(Object.keys(parsePressure('some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n') ?? {}), ['some']);
  assert.equal(parsePressure(undefined), undefined);
});

test('sizes of huge pages are spelled as in the names of control files', () => {
  assert.equal(hugePageSize('hugepages-64kB'), '64KB');
  assert.equal(hugePageSize('hugepages-2048kB'), '2MB');
  assert.equal(hugePageSize('hugepages-1048576kB'), '1GB');
  assert.equal(hugePageSize('hugepages-16777216kB'), '16GB');
  assert.equal(hugePageSize('demote'), undefined);
});

test('zeros and empty lists are left out', () => {
  assert.deepEqual(nonZero({ a: 0n, b: 1n }), { b: 1n });
  assert.deepEqual(nonEmpty<'a' | 'b', number>({ a: [], b: [0] }), { b: [0] });
});
