import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuSetBits, type LimitFile, limitProperties } from './properties.ts';

const INFINITY = 0xffff_ffff_ffff_ffffn;

/** The properties by name. */
function of(files: Readonly<Record<string, string>>, version: 1 | 2 = 2, systemd = 252): Record<string, unknown> {
  const limits: LimitFile[] = Object.entries(files).map(([file, value]) => ({ version, file, value }));
  return Object.fromEntries(limitProperties(limits, systemd).map(({ name, value }) => [name, value]));
}

test('limits of v2 that systemd knows become properties', () => {
  const files = {
    'memory.max': '1048576',
    'memory.low': '4096',
    'memory.high': '8192',
    'memory.min': '0',
    'memory.swap.max': 'max',
    'pids.max': '7',
    'cpu.weight': '39',
    'io.weight': 'default 50',
  };
  assert.deepEqual(of(files), {
    MemoryMax: 1048576n,
    MemoryLow: 4096n,
    MemoryHigh: 8192n,
    MemoryMin: 0n,
    MemorySwapMax: INFINITY,
    TasksMax: 7n,
    CPUWeight: 39n,
    IOWeight: 50n,
  });
});

test('limits of v1 have names of their own', () => {
  const files = { 'memory.limit_in_bytes': '-1', 'cpu.shares': '512', 'blkio.weight': '20', 'pids.max': 'max' };
  assert.deepEqual(of(files, 1), { MemoryLimit: INFINITY, CPUShares: 512n, BlockIOWeight: 20n, TasksMax: INFINITY });
});

test('what systemd has no property for, or what is no number, stays in the files', () => {
  const files = { 'memory.oom.group': '1', 'hugetlb.2MB.max': '4', 'io.max': '8:0 rbps=1', 'io.weight': '8:0 50' };
  assert.deepEqual(of(files), {});
  assert.deepEqual(of({ 'memory.max': 'much' }), {});
});

test('values are read as the kernel reads them, with suffixes', () => {
  assert.deepEqual(of({ 'memory.max': '512M' }), { MemoryMax: 512n << 20n });
  assert.deepEqual(of({ 'memory.max': '18446744073709551615' }), { MemoryMax: INFINITY });
});

test('a quota is rounded up to whole percents, and has its period where systemd knows it', () => {
  assert.deepEqual(of({ 'cpu.max': '50000 100000' }), { CPUQuotaPeriodUSec: 100000n, CPUQuotaPerSecUSec: 500000n });
  assert.deepEqual(of({ 'cpu.max': '12345 100000' }, 2, 241), { CPUQuotaPerSecUSec: 130000n });
  assert.deepEqual(of({ 'cpu.max': 'max 50000' }), { CPUQuotaPeriodUSec: 50000n, CPUQuotaPerSecUSec: INFINITY });
  assert.deepEqual(of({ 'cpu.cfs_quota_us': '20000' }, 1), { CPUQuotaPerSecUSec: 200000n });
  assert.deepEqual(of({ 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000' }, 1), {
    CPUQuotaPeriodUSec: 100000n,
    CPUQuotaPerSecUSec: INFINITY,
  });
});

test('an idle cgroup has the weight 0, since systemd 252', () => {
  assert.deepEqual(of({ 'cpu.weight': '100', 'cpu.idle': '1' }), { CPUWeight: 0n });
  assert.deepEqual(of({ 'cpu.weight': '100', 'cpu.idle': '1' }, 2, 251), { CPUWeight: 100n });
  assert.deepEqual(of({ 'cpu.idle': '0' }), {});
});

test('sets of processors and memory nodes are bits, since systemd 244', () => {
  assert.deepEqual(of({ 'cpuset.cpus': '0-2,9', 'cpuset.mems': '0' }), {
    AllowedCPUs: new Uint8Array([7, 2]),
    AllowedMemoryNodes: new Uint8Array([1]),
  });
  assert.deepEqual(of({ 'cpuset.cpus': '0' }, 2, 243), {});
});

test('a list of processors that is none is left to the kernel', () => {
  for (const list of ['', 'x', '2-1', '0-', '0-8', '99999'])
    assert.equal(cpuSetBits(list) === undefined, list !== '0-8', list);
});
