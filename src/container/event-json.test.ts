import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStatistics } from '../cgroup/statistics/read.ts';
import { eventJson } from './event-json.ts';

test('an OOM event has its type and the id, and no more', () => {
  assert.equal(eventJson({ type: 'oom', id: 'web' }), '{"type":"oom","id":"web"}');
});

test('statistics have every part that runc prints, in its order, also where there is nothing to count', () => {
  const flags =
    '"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,' +
    '"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0';
  const zero = '{"limit":0,"failcnt":0}';
  assert.equal(
    eventJson({ type: 'stats', id: 'web', data: readStatistics({ cgroups: [] }) }),
    `{"type":"stats","id":"web","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},"cpuset":{${flags}},` +
      `"memory":{"usage":${zero},"swap":${zero},"kernel":${zero},"kernelTCP":${zero}},"pids":{},"blkio":{},"hugetlb":{},` +
      '"intel_rdt":{},"network_interfaces":null}}',
  );
});

test('counters are printed to their last digit', () => {
  const data = readStatistics({ cgroups: [] });
  const limit = { ...data.memory.usage, limit: 2n ** 64n - 1n };
  const text = eventJson({ type: 'stats', id: 'web', data: { ...data, memory: { ...data.memory, usage: limit } } });
  assert.match(text, /"usage":\{"limit":18446744073709551615,/);
});
