// Control files as Linux 6.18 has them, and the numbers that runc makes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadControlFile } from './types.ts';
import { blkioV1, cpusetV1, cpuUsageV1, hugetlbV1, memoryV1, throttlingV1 } from './v1.ts';

const filesOf =
  (files: Record<string, string>): ReadControlFile =>
  (name) =>
    files[name];
const none = filesOf({});

test('processor time: ticks become nanoseconds, and each processor has its own', () => {
  const read = filesOf({
    'cpuacct.usage': '3131801\n',
    'cpuacct.usage_percpu': '1392601 1739200 \n',
    'cpuacct.usage_all': 'cpu user system\n0 0 4000000\n1 8000000 0\n',
    'cpuacct.stat': 'user 3\nsystem 12\n',
  });
  assert.deepEqual(cpuUsageV1(read), {
    total: 3131801n,
    percpu: [1392601n, 1739200n],
    percpu_kernel: [4000000n, 0n],
    percpu_user: [0n, 8000000n],
    kernel: 120000000n,
    user: 30000000n,
  });
  assert.deepEqual(cpuUsageV1(none), { kernel: 0n, user: 0n });
});

test('throttling has only what is not zero', () => {
  const read = (periods: number) =>
    filesOf({ 'cpu.stat': `nr_periods ${periods}\nnr_throttled 2\nthrottled_time 77\nnr_bursts 0\nburst_time 0\n` });
  assert.deepEqual(throttlingV1(read(9)), { periods: 9n, throttledPeriods: 2n, throttledTime: 77n });
  assert.deepEqual(throttlingV1(read(0)), { throttledPeriods: 2n, throttledTime: 77n });
  assert.deepEqual(throttlingV1(none), {});
});

test('cpuset: processors and nodes are numbers, flags stay where they are zero', () => {
  const read = filesOf({
    'cpuset.cpus': '0-1\n',
    'cpuset.mems': '0\n',
    'cpuset.sched_load_balance': '1\n',
    'cpuset.sched_relax_domain_level': '-1\n',
  });
  assert.deepEqual(cpusetV1(read), {
    cpus: [0, 1],
    cpu_exclusive: 0n,
    mems: [0],
    mem_hardwall: 0n,
    mem_exclusive: 0n,
    memory_migrate: 0n,
    memory_spread_page: 0n,
    memory_spread_slab: 0n,
    memory_pressure: 0n,
    sched_load_balance: 1n,
    sched_relax_domain_level: -1n,
  });
});

test('memory: limits are exact, and the lines of memory.stat are there as they are', () => {
  const read = filesOf({
    'memory.stat': 'cache 12288\nrss 49152\nhierarchical_memory_limit 9223372036854771712\n',
    'memory.limit_in_bytes': '9223372036854771712\n',
    'memory.usage_in_bytes': '729088\n',
    'memory.max_usage_in_bytes': '2772992\n',
    'memory.failcnt': '3\n',
    'memory.memsw.limit_in_bytes': '33554432\n',
    'memory.kmem.tcp.limit_in_bytes': '9223372036854771712\n',
  });
  assert.deepEqual(memoryV1(read), {
    cache: 12288n,
    usage: { limit: 9223372036854771712n, usage: 729088n, max: 2772992n, failcnt: 3n },
    swap: { limit: 33554432n, failcnt: 0n },
    kernel: { limit: 0n, failcnt: 0n },
    kernelTCP: { limit: 9223372036854771712n, failcnt: 0n },
    raw: { cache: 12288n, hierarchical_memory_limit: 9223372036854771712n, rss: 49152n },
  });
});

test('block devices: BFQ counts nothing while another scheduler is used, throttling does', () => {
  const throttle = {
    'blkio.bfq.io_serviced_recursive': 'Total 0\n',
    'blkio.bfq.io_service_bytes_recursive': 'Total 0\n',
    'blkio.throttle.io_serviced_recursive': '254:0 Read 5\n254:0 Total 5\nTotal 5\n',
    'blkio.throttle.io_service_bytes_recursive': '254:0 Read 20480\n254:0 Total 20480\nTotal 20480\n',
  };
  assert.deepEqual(blkioV1(filesOf(throttle)), {
    ioServiceBytesRecursive: [
      { major: 254n, op: 'Read', value: 20480n },
      { major: 254n, op: 'Total', value: 20480n },
    ],
    ioServicedRecursive: [
      { major: 254n, op: 'Read', value: 5n },
      { major: 254n, op: 'Total', value: 5n },
    ],
  });
  const bfq = filesOf({ ...throttle, 'blkio.bfq.io_serviced_recursive': '8:0 Write 1\nTotal 1\n' });
  assert.deepEqual(blkioV1(bfq), { ioServicedRecursive: [{ major: 8n, op: 'Write', value: 1n }] });
  assert.deepEqual(blkioV1(none), {});
});

test('block devices: a kernel that counts all has all eight tables', () => {
  const names = [
    'io_service_bytes',
    'io_serviced',
    'io_queued',
    'io_service_time',
    'io_wait_time',
    'io_merged',
    'time',
    'sectors',
  ];
  const files = Object.fromEntries(names.map((name, index) => [`blkio.bfq.${name}_recursive`, `8:0 ${index + 1}\n`]));
  const found = blkioV1(filesOf(files));
  assert.deepEqual(
    Object.values(found).map((table) => ('length' in table ? table[0]?.value : undefined)),
    [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n],
  );
});

test('huge pages: reservations where the kernel accounts them, else use; sizes that it does not limit are left out', () => {
  const read = filesOf({
    'hugetlb.2MB.rsvd.usage_in_bytes': '4194304\n',
    'hugetlb.2MB.rsvd.max_usage_in_bytes': '6291456\n',
    'hugetlb.2MB.rsvd.failcnt': '1\n',
    'hugetlb.2MB.usage_in_bytes': '0\n',
    'hugetlb.1GB.usage_in_bytes': '1073741824\n',
  });
  assert.deepEqual(hugetlbV1(read, ['16GB', '1GB', '2MB']), {
    '1GB': { usage: 1073741824n, failcnt: 0n },
    '2MB': { usage: 4194304n, max: 6291456n, failcnt: 1n },
  });
});
