import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../../error.ts';
import type { LinuxResources } from '../../spec/generated/types.ts';
import { runtError } from '../test-support.ts';
import { ioWeight } from './block-io.ts';
import { cpuWeight } from './cpu.ts';
import { ignoredResources, resourceWrites } from './index.ts';
import { swapLimit } from './memory.ts';
import type { WriteContext } from './write.ts';

const hosts = {
  v1: { isUnified: false, versionOf: () => 1 },
  v2: { isUnified: true, versionOf: () => 2 },
} satisfies Record<string, WriteContext>;

/** `file=value`, with `?` behind a file that may be missing and `|` before what else may be written. */
function written(resources: LinuxResources, host: keyof typeof hosts, extra: object = {}): readonly string[] {
  return resourceWrites(resources, { ...hosts[host], ...extra }).map(
    ({ file, value, otherwise, mayBeMissing }) =>
      `${file}${mayBeMissing === true ? '?' : ''}=${value}${otherwise === undefined ? '' : `|${otherwise.file}=${otherwise.value}`}`,
  );
}

const TABLE: readonly [name: string, resources: LinuxResources, v1: readonly string[], v2: readonly string[]][] = [
  ['nothing', {}, [], []],
  [
    'zeros that say "not set"',
    {
      memory: { limit: 0, reservation: 0, swap: 0, kernelTCP: 0, disableOOMKiller: false },
      cpu: { shares: 0, quota: 0, period: 0, realtimeRuntime: 0, realtimePeriod: 0, cpus: '', mems: '' },
      blockIO: { weight: 0, leafWeight: 0 },
      network: { classID: 0, priorities: [] },
    },
    [],
    [],
  ],
  ['a limit of memory', { memory: { limit: 1024 } }, ['memory.limit_in_bytes=1024'], ['memory.max=1024']],
  [
    'memory, and memory with swap',
    { memory: { limit: 1024, swap: 3072 } },
    ['memory.limit_in_bytes=1024', 'memory.memsw.limit_in_bytes=3072'],
    ['memory.swap.max=2048', 'memory.max=1024'],
  ],
  [
    'no swap at all',
    { memory: { limit: 1024, swap: 1024 } },
    ['memory.limit_in_bytes=1024', 'memory.memsw.limit_in_bytes=1024'],
    ['memory.swap.max?=0', 'memory.max=1024'],
  ],
  [
    'memory without a limit, and so no limit of both',
    { memory: { limit: -1 } },
    ['memory.limit_in_bytes=-1', 'memory.memsw.limit_in_bytes?=-1'],
    ['memory.swap.max?=max', 'memory.max=max'],
  ],
  [
    'as much swap as there is',
    { memory: { limit: 1024, swap: -1 } },
    ['memory.limit_in_bytes=1024', 'memory.memsw.limit_in_bytes=-1'],
    ['memory.swap.max?=max', 'memory.max=1024'],
  ],
  ['a reservation', { memory: { reservation: 512 } }, ['memory.soft_limit_in_bytes=512'], ['memory.low=512']],
  ['a reservation of all', { memory: { reservation: -1 } }, ['memory.soft_limit_in_bytes=-1'], ['memory.low=max']],
  ['the hierarchy that v2 always has', { memory: { useHierarchy: true } }, ['memory.use_hierarchy=1'], []],
  ['shares', { cpu: { shares: 1024 } }, ['cpu.shares=1024'], ['cpu.weight=100']],
  ['quota alone', { cpu: { quota: 5000 } }, ['cpu.cfs_quota_us=5000'], ['cpu.max=5000 100000']],
  ['period alone', { cpu: { period: 5000 } }, ['cpu.cfs_period_us=5000'], ['cpu.max=max 5000']],
  [
    'period, quota and burst',
    { cpu: { quota: 5000, period: 10000, burst: 1000 } },
    ['cpu.cfs_period_us=10000', 'cpu.cfs_quota_us=5000', 'cpu.cfs_burst_us=1000'],
    ['cpu.max=5000 10000', 'cpu.max.burst=1000'],
  ],
  [
    'no quota and no burst',
    { cpu: { quota: -1, burst: 0 } },
    ['cpu.cfs_quota_us=-1', 'cpu.cfs_burst_us?=0'],
    ['cpu.max=max 100000', 'cpu.max.burst?=0'],
  ],
  ['idle', { cpu: { idle: 1 } }, ['cpu.idle=1'], ['cpu.idle=1']],
  ['idle no more', { cpu: { shares: 2, idle: 0 } }, ['cpu.shares=2', 'cpu.idle=0'], ['cpu.weight=1', 'cpu.idle=0']],
  [
    'processors and nodes',
    { cpu: { cpus: '0-1', mems: '0' } },
    ['cpuset.cpus=0-1', 'cpuset.mems=0'],
    ['cpuset.cpus=0-1', 'cpuset.mems=0'],
  ],
  ['a limit of processes', { pids: { limit: 5 } }, ['pids.max=5'], ['pids.max=5']],
  ['a limit of no processes', { pids: { limit: 0 } }, ['pids.max=1'], ['pids.max=1']],
  ['no limit of processes', { pids: { limit: -1 } }, ['pids.max=max'], ['pids.max=max']],
  [
    'weights of disks',
    { blockIO: { weight: 100, weightDevice: [{ major: 8, minor: 0, weight: 1000 }] } },
    ['blkio.weight=100|blkio.bfq.weight=100', 'blkio.weight_device=8:0 1000|blkio.bfq.weight_device=8:0 1000'],
    ['io.bfq.weight=100|io.weight=910', 'io.bfq.weight=8:0 1000|io.weight=8:0 10000'],
  ],
  [
    'throttles',
    {
      blockIO: {
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
        throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 0 }],
      },
    },
    [
      'blkio.throttle.read_bps_device=8:0 1',
      'blkio.throttle.write_bps_device=8:0 2',
      'blkio.throttle.read_iops_device=8:0 3',
      'blkio.throttle.write_iops_device=8:0 0',
    ],
    ['io.max=8:0 rbps=1', 'io.max=8:0 wbps=2', 'io.max=8:0 riops=3', 'io.max=8:0 wiops=max'],
  ],
  [
    'huge pages',
    { hugepageLimits: [{ pageSize: '2MB', limit: 2097152 }] },
    ['hugetlb.2MB.limit_in_bytes=2097152', 'hugetlb.2MB.rsvd.limit_in_bytes?=2097152'],
    ['hugetlb.2MB.max=2097152', 'hugetlb.2MB.rsvd.max?=2097152'],
  ],
  [
    'RDMA devices',
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, other: { hcaObjects: 1 } } },
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max=other hca_object=1'],
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max=other hca_object=1'],
  ],
];

for (const [name, resources, v1, v2] of TABLE)
  test(`${name}: as files of v1 and v2`, () => {
    assert.deepEqual(written(resources, 'v1'), v1);
    assert.deepEqual(written(resources, 'v2'), v2);
  });

const V1_ONLY: readonly [pointer: string, resources: LinuxResources, v1: readonly string[]][] = [
  ['memory/swappiness', { memory: { swappiness: 0 } }, ['memory.swappiness=0']],
  ['memory/disableOOMKiller', { memory: { disableOOMKiller: true } }, ['memory.oom_control=1']],
  ['memory/useHierarchy', { memory: { useHierarchy: false } }, ['memory.use_hierarchy=0']],
  ['memory/kernelTCP', { memory: { kernelTCP: 4096 } }, ['memory.kmem.tcp.limit_in_bytes=4096']],
  ['cpu/realtimePeriod', { cpu: { realtimePeriod: 1000 } }, ['cpu.rt_period_us=1000']],
  ['cpu/realtimeRuntime', { cpu: { realtimeRuntime: 500 } }, ['cpu.rt_runtime_us=500']],
  ['blockIO/leafWeight', { blockIO: { leafWeight: 10 } }, ['blkio.leaf_weight=10']],
  [
    'blockIO/weightDevice/0/leafWeight',
    { blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] } },
    ['blkio.leaf_weight_device=8:0 10'],
  ],
  ['network/classID', { network: { classID: 0x100001 } }, ['net_cls.classid=1048577']],
  ['network/priorities/0', { network: { priorities: [{ name: 'eth0', priority: 5 }] } }, ['net_prio.ifpriomap=eth0 5']],
];

for (const [field, resources, v1] of V1_ONLY)
  test(`${field} is a file of v1, and refused by name where there is only v2`, () => {
    assert.deepEqual(written(resources, 'v1'), v1);
    assert.throws(
      () => written(resources, 'v2'),
      runtError('unsupported', /does not exist in cgroup v2/, `/linux/resources/${field}`),
    );
  });

test('unified is written as it is, line by line and last, and refused where there is v1', () => {
  const resources = { pids: { limit: 5 }, unified: { 'pids.max': '7', 'io.max': '8:0 rbps=1\n8:0 wbps=2' } };
  assert.deepEqual(written(resources, 'v2'), ['pids.max=5', 'pids.max=7', 'io.max=8:0 rbps=1', 'io.max=8:0 wbps=2']);
  assert.throws(
    () => written(resources, 'v1'),
    runtError('config', /invalid configuration/, '/linux/resources/unified/pids.max'),
  );
  assert.throws(
    () => written({ unified: { pids: '1' } }, 'v2'),
    runtError('config', /CONTROLLER\.PARAMETER/, '/linux/resources/unified/pids'),
  );
});

test('a controller that the host does not have is an error that names it and the field', () => {
  const host = { isUnified: false, versionOf: (name: string) => (name === 'cpu' ? 1 : undefined) } as const;
  assert.throws(
    () => resourceWrites({ cpu: { shares: 2 }, pids: { limit: 3 } }, host),
    runtError('cgroup', /^cannot set pids limit: .* pids /, '/linux/resources/pids/limit'),
  );
});

test('an update switches off what a new cgroup has off anyway', () => {
  const resources = { memory: { disableOOMKiller: false } };
  assert.deepEqual(written(resources, 'v1', { isUpdate: true }), ['memory.oom_control=0']);
  assert.deepEqual(written(resources, 'v2', { isUpdate: true }), []);
});

test('integers are written as the document has them, not as doubles', () => {
  const exactInteger = (pointer: string) => (pointer.endsWith('/limit') ? 9223372036854771712n : undefined);
  const limit = Number('9223372036854771712');
  assert.deepEqual(written({ memory: { limit } }, 'v1', { exactInteger }), [
    'memory.limit_in_bytes=9223372036854771712',
  ]);
});

test('every write names the field that asked for it', () => {
  for (const [, resources] of TABLE)
    for (const { pointer } of resourceWrites(resources, hosts.v1)) {
      let at: unknown = { linux: { resources } };
      for (const part of pointer.slice(1).split('/')) at = (at as Record<string, unknown>)[part];
      assert.notEqual(at, undefined, pointer);
    }
});

test('swappiness has the range of runc', () => {
  assert.throws(
    () => written({ memory: { swappiness: 101 } }, 'v1'),
    runtError('config', /invalid memory swappiness value: 101/, '/linux/resources/memory/swappiness'),
  );
});

test('a limit of kernel memory is ignored with a warning', () => {
  assert.deepEqual(written({ memory: { kernel: 1000 } }, 'v1'), []);
  assert.deepEqual(
    ignoredResources({ memory: { kernel: 1000 } }).map(({ pointer }) => pointer),
    ['/linux/resources/memory/kernel'],
  );
  assert.deepEqual(ignoredResources({ memory: { limit: 1000 } }), []);
});

test('the weight of processors goes through both ends and the default, and never falls', () => {
  const known: readonly [number, number][] = [
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262144, 10000],
    [1000000, 10000],
  ];
  for (const [shares, weight] of known) assert.equal(cpuWeight(shares), weight, `${shares}`);
  for (let shares = 3; shares < 300_000; shares += 7) assert.ok(cpuWeight(shares) >= cpuWeight(shares - 1));
});

test('the weight of disks goes from 10…1000 to 1…10000', () => {
  assert.deepEqual([0, 1, 10, 11, 100, 500, 1000].map(ioWeight), [0, 1, 1, 11, 910, 4950, 10000]);
});

test('the limit of swap is the difference of both limits, where there is one', () => {
  assert.equal(swapLimit(0, 0), undefined);
  assert.equal(swapLimit(1000, 0), undefined);
  assert.equal(swapLimit(-1, 500), '500');
  for (const [limit, swap, message] of [
    [0, 500, /unable to set swap limit without memory limit/],
    [1000, 500, /memory\+swap limit should be >= memory limit/],
    [-2, 500, /invalid memory value/],
  ] as const)
    assert.throws(
      () => swapLimit(limit, swap),
      (error) => error instanceof RuntError && message.test(error.problem.message),
    );
});
