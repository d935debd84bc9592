// Control files as Linux 6.1 has them, and the numbers that runc makes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadControlFile } from './types.ts';
import { blkioV2, cpuV2, hugetlbV2, memoryV2, pids } from './v2.ts';

const filesOf =
  (files: Record<string, string>): ReadControlFile =>
  (name) =>
    files[name];
const none = filesOf({});

const PRESSURE =
  'some avg10=1.26 avg60=0.22 avg300=0.04 total=149032\nfull avg10=0.90 avg60=0.16 avg300=0.03 total=114909\n';
const PSI = {
  some: { avg10: 1.26, avg60: 0.22, avg300: 0.04, total: 149032n },
  full: { avg10: 0.9, avg60: 0.16, avg300: 0.03, total: 114909n },
};

test('processor time: microseconds become nanoseconds', () => {
  const stat =
    'usage_usec 988631\nuser_usec 199148\nsystem_usec 789482\nnr_periods 4\nnr_throttled 1\nthrottled_usec 20\nnr_bursts 0\nburst_usec 0\n';
  assert.deepEqual(cpuV2(filesOf({ 'cpu.stat': stat, 'cpu.pressure': PRESSURE })), {
    usage: { total: 988631000n, kernel: 789482000n, user: 199148000n },
    throttling: { periods: 4n, throttledPeriods: 1n, throttledTime: 20000n },
    psi: PSI,
  });
  assert.deepEqual(cpuV2(none), { usage: { kernel: 0n, user: 0n }, throttling: {} });
});

test('memory: the cache is what memory.stat calls file, and swap includes memory as in v1', () => {
  const files = {
    'memory.stat': 'anon 57344\nfile 1609728\n',
    'memory.current': '1912832\n',
    'memory.max': '33554432\n',
    'memory.peak': '3981312\n',
    'memory.swap.current': '4096\n',
    'memory.swap.max': '1048576\n',
  };
  const entry = { limit: 33554432n, usage: 1912832n, max: 3981312n, failcnt: 0n };
  assert.deepEqual(memoryV2(filesOf({ ...files, 'memory.pressure': PRESSURE })), {
    cache: 1609728n,
    usage: entry,
    swap: { limit: 34603008n, usage: 1916928n, failcnt: 0n },
    kernel: { limit: 0n, failcnt: 0n },
    kernelTCP: { limit: 0n, failcnt: 0n },
    raw: { anon: 57344n, file: 1609728n },
    psi: PSI,
  });
  assert.equal(memoryV2(filesOf({ ...files, 'memory.swap.max': 'max\n' })).swap.limit, 18446744073709551615n);
});

test('without the memory controller there are zeros, and no raw lines', () => {
  const zero = { limit: 0n, failcnt: 0n };
  assert.deepEqual(memoryV2(none), { usage: zero, swap: zero, kernel: zero, kernelTCP: zero });
});

test('processes: no limit is no number; without the controller they are counted', () => {
  assert.deepEqual(pids(filesOf({ 'pids.current': '2\n', 'pids.max': 'max\n' })), { current: 2n });
  assert.deepEqual(pids(filesOf({ 'pids.current': '2\n', 'pids.max': '64\n' })), { current: 2n, limit: 64n });
  assert.deepEqual(pids(filesOf({ 'cgroup.procs': '12\n13\n14\n' })), { current: 3n });
  assert.deepEqual(pids(none), {});
});

test('block devices', () => {
  const read = filesOf({
    'io.stat': '254:0 rbytes=65536 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n',
    'io.pressure': PRESSURE,
  });
  const found = blkioV2(read);
  assert.deepEqual(found.ioServiceBytesRecursive?.[0], { major: 254n, op: 'Read', value: 65536n });
  assert.deepEqual(found.ioServicedRecursive?.[0], { major: 254n, op: 'Read', value: 1n });
  assert.deepEqual(found.psi, PSI);
  assert.deepEqual(blkioV2(none), {});
});

test('huge pages: failures are those that the limit caused', () => {
  const read = filesOf({
    'hugetlb.2MB.rsvd.current': '2097152\n',
    'hugetlb.2MB.events': 'max 5\n',
    'hugetlb.1GB.current': '0\n',
    'hugetlb.1GB.events': 'max 0\n',
  });
  assert.deepEqual(hugetlbV2(read, ['1GB', '2MB', '64KB']), {
    '1GB': { failcnt: 0n },
    '2MB': { usage: 2097152n, failcnt: 5n },
  });
});
