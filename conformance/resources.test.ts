// config-linux.md, Control groups: every limit is set, and read back from the kernel; and some are run into.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  byPathOnly,
  type CheckOptions,
  type Container,
  cgroupCount,
  cgroupDirectory,
  cgroupVersion,
  check,
  needsControllers,
  needsV1,
  needsV2,
  ok,
  type Resources,
  readCgroup,
  refused,
  type Sandbox,
  waitFor,
  writeIn,
} from './harness/index.ts';

const MIB = 1024 * 1024;
/** What cgroup v1 prints for "no limit". */
const UNLIMITED = '9223372036854771712';

function limited(box: Sandbox, resources: Resources, args: readonly string[] = ['/bin/sleep', '300']): Container {
  return box.container((config, { id }) => {
    config.process.args = [...args];
    // At the top, where no other limit is in the way; systemd has a place of its own for it.
    if (!byPathOnly) config.linux.cgroupsPath = `/${id}`;
    config.linux.resources = { devices: [{ allow: false, access: 'rwm' }], ...resources };
  });
}

/** File and value by version; the controller by its v1 name. */
type Expected = readonly [controller: string, v1: string, v1Value: string, v2: string, v2Value: string];

function expectFiles(container: Container, expected: readonly Expected[]): void {
  const pid = container.pid();
  for (const [controller, file1, value1, file2, value2] of expected) {
    const [file, value] = cgroupVersion === 1 ? [file1, value1] : [file2, value2];
    assert.equal(readCgroup(pid, controller, file), value, file);
  }
}

const FIELDS: readonly [string, Resources, readonly Expected[], CheckOptions?][] = [
  [
    'memory.limit',
    { memory: { limit: 64 * MIB } },
    [['memory', 'memory.limit_in_bytes', '67108864', 'memory.max', '67108864']],
  ],
  [
    'memory.reservation',
    { memory: { reservation: 32 * MIB } },
    [['memory', 'memory.soft_limit_in_bytes', '33554432', 'memory.low', '33554432']],
  ],
  [
    'cpu.shares',
    // Not the default, as no value here is.
    { cpu: { shares: 2048 } },
    [['cpu', 'cpu.shares', '2048', 'cpu.weight', '174']],
    cgroupVersion === 2 ? { knownToFail: { runc: 'has the older formula', crun: 'has the older formula' } } : {},
  ],
  [
    'cpu.quota and cpu.period',
    { cpu: { quota: 50_000, period: 200_000 } },
    [
      ['cpu', 'cpu.cfs_quota_us', '50000', 'cpu.max', '50000 200000'],
      ...(cgroupVersion === 1 ? [['cpu', 'cpu.cfs_period_us', '200000', '', ''] as const] : []),
    ],
  ],
  [
    'cpu.burst',
    { cpu: { quota: 50_000, burst: 10_000 } },
    [['cpu', 'cpu.cfs_burst_us', '10000', 'cpu.max.burst', '10000']],
    { knownToFail: { runc: 'is older than cpu.burst' } },
  ],
  [
    'cpu.idle',
    { cpu: { idle: 1 } },
    [['cpu', 'cpu.idle', '1', 'cpu.idle', '1']],
    { knownToFail: { runc: 'is older than cpu.idle' } },
  ],
  [
    'cpu.cpus and cpu.mems',
    { cpu: { cpus: '0', mems: '0' } },
    [
      ['cpuset', 'cpuset.cpus', '0', 'cpuset.cpus', '0'],
      ['cpuset', 'cpuset.mems', '0', 'cpuset.mems', '0'],
    ],
  ],
  ['pids.limit', { pids: { limit: 42 } }, [['pids', 'pids.max', '42', 'pids.max', '42']]],
  ['pids.limit of -1', { pids: { limit: -1 } }, [['pids', 'pids.max', 'max', 'pids.max', 'max']]],
  [
    'pids.limit of 0',
    { pids: { limit: 0 } },
    [['pids', 'pids.max', '1', 'pids.max', '1']],
    { knownToFail: { runc: 'is older than this meaning of 0', crun: 'takes 0 for no limit' } },
  ],
  [
    'hugepageLimits',
    { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }] },
    [['hugetlb', 'hugetlb.2MB.limit_in_bytes', '4194304', 'hugetlb.2MB.max', '4194304']],
  ],
  [
    'network.classID',
    { network: { classID: 1048577 } },
    [['net_cls', 'net_cls.classid', '1048577', '', '']],
    { skip: needsV1 },
  ],
];

for (const [name, resources, expected, options = {}] of FIELDS)
  check(
    `linux.resources.${name} is in force before the program starts`,
    { ...options, skip: options.skip || needsControllers(...expected.map(([controller]) => controller)) },
    (box) => {
      const container = limited(box, resources);
      ok(container.create());
      expectFiles(container, expected);
    },
  );

const leavesCgroups = 'leaves cgroups where a limit is refused (1.8.1)';

check('memory.swap is the limit of memory and swap together', { skip: needsControllers('memory') }, (box) => {
  const container = limited(box, { memory: { limit: 64 * MIB, swap: 96 * MIB } });
  ok(container.create());
  expectFiles(container, [['memory', 'memory.memsw.limit_in_bytes', `${96 * MIB}`, 'memory.swap.max', `${32 * MIB}`]]);
});

check('the other limits of memory of cgroup v1 are set', { skip: needsV1 || needsControllers('memory') }, (box) => {
  const container = limited(box, {
    memory: { limit: 64 * MIB, swappiness: 7, disableOOMKiller: true, useHierarchy: true },
  });
  ok(container.create());
  const pid = container.pid();
  assert.equal(readCgroup(pid, 'memory', 'memory.swappiness'), '7');
  assert.match(readCgroup(pid, 'memory', 'memory.oom_control'), /^oom_kill_disable 1$/m);
  assert.equal(readCgroup(pid, 'memory', 'memory.use_hierarchy'), '1');
});

check(
  'memory.kernelTCP of cgroup v1 is set',
  { skip: needsV1 || needsControllers('memory'), knownToFail: { runc: 'leaves it out (1.1.5)' } },
  (box) => {
    const container = limited(box, { memory: { kernelTCP: 8192 } });
    ok(container.create());
    assert.equal(readCgroup(container.pid(), 'memory', 'memory.kmem.tcp.limit_in_bytes'), '8192');
  },
);

check(
  'useHierarchy: false is told to the kernel, which refuses it since Linux 5.11',
  {
    skip: needsV1 || needsControllers('memory'),
    knownToFail: { runc: 'ignores it (1.1.5)', crun: leavesCgroups },
  },
  (box) => {
    const container = limited(box, { memory: { useHierarchy: false } });
    const result = container.create();
    if (result.status === 0) assert.equal(readCgroup(container.pid(), 'memory', 'memory.use_hierarchy'), '0');
    else refused(result, /use_hierarchy/);
  },
);

const realtime = needsV1 || (existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us') ? false : 'needs RT_GROUP_SCHED');
check('real-time bandwidth of cgroup v1 is set', { skip: realtime }, (box) => {
  const container = limited(box, { cpu: { realtimePeriod: 500_000, realtimeRuntime: 1_000 } });
  ok(container.create());
  assert.equal(readCgroup(container.pid(), 'cpu', 'cpu.rt_period_us'), '500000');
  assert.equal(readCgroup(container.pid(), 'cpu', 'cpu.rt_runtime_us'), '1000');
});

/** The number of a disk of the host. */
function disk(): { readonly major: number; readonly minor: number } | undefined {
  const name = existsSync('/sys/block')
    ? readdirSync('/sys/block').find((entry) => /^[sv]d[a-z]$|^nvme\d+n1$/.test(entry))
    : undefined;
  if (name === undefined) return undefined;
  const [major = 0, minor = 0] = readFileSync(`/sys/block/${name}/dev`, 'utf8').split(':').map(Number);
  return { major, minor };
}

const device = disk();
const needsDisk = needsControllers('blkio') || (device === undefined ? 'needs a disk' : false);

check('blockIO throttles are set, a file or a key each', { skip: needsDisk }, (box) => {
  const throttle = (rate: number) => [{ ...(device ?? assert.fail()), rate }];
  const container = limited(box, {
    blockIO: {
      throttleReadBpsDevice: throttle(1048576),
      throttleWriteBpsDevice: throttle(2097152),
      throttleReadIOPSDevice: throttle(300),
      throttleWriteIOPSDevice: throttle(400),
    },
  });
  ok(container.create());
  const pid = container.pid();
  const number = `${device?.major}:${device?.minor}`;
  if (cgroupVersion === 2) {
    const line = `${number} rbps=1048576 wbps=2097152 riops=300 wiops=400`;
    assert.equal(readCgroup(pid, 'blkio', 'io.max'), line);
    return;
  }
  assert.equal(readCgroup(pid, 'blkio', 'blkio.throttle.read_bps_device'), `${number} 1048576`);
  assert.equal(readCgroup(pid, 'blkio', 'blkio.throttle.write_bps_device'), `${number} 2097152`);
  assert.equal(readCgroup(pid, 'blkio', 'blkio.throttle.read_iops_device'), `${number} 300`);
  assert.equal(readCgroup(pid, 'blkio', 'blkio.throttle.write_iops_device'), `${number} 400`);
});

check('blockIO.weight is set, in the file that the kernel has', { skip: needsControllers('blkio') }, (box) => {
  const container = limited(box, { blockIO: { weight: 200 } });
  const result = container.create();
  const files =
    cgroupVersion === 1
      ? [['blkio.weight', '200'] as const, ['blkio.bfq.weight', '200'] as const]
      : [['io.bfq.weight', 'default 200'] as const, ['io.weight', 'default 1920'] as const];
  if (result.status !== 0) {
    refused(result, /weight/);
    return;
  }
  const directory = cgroupDirectory(container.pid(), 'blkio');
  const [file, value] = files.find(([name]) => existsSync(`${directory}/${name}`)) ?? assert.fail('no weight file');
  assert.equal(readCgroup(container.pid(), 'blkio', file), value);
});

// Only the BFQ scheduler has weights of devices, and hardly a disk has that scheduler: then it is the kernel that refuses what it is told.
check('the weight of a device is set, or what the kernel says of it is told', { skip: needsDisk }, (box) => {
  const { major, minor } = device ?? assert.fail();
  const container = limited(box, { blockIO: { weightDevice: [{ major, minor, weight: 300 }] } });
  const result = container.create();
  const line = new RegExp(`\\b${major}:${minor} ${cgroupVersion === 1 ? '300' : '(300|2930)'}\\b`);
  if (result.status !== 0) refused(result, /weight/);
  const said =
    result.status !== 0
      ? result.stderr
      : ['blkio.weight_device', 'blkio.bfq.weight_device', 'io.bfq.weight', 'io.weight']
          .filter((file) => existsSync(`${cgroupDirectory(container.pid(), 'blkio')}/${file}`))
          .map((file) => readCgroup(container.pid(), 'blkio', file))
          .join('\n');
  assert.match(said, line);
});

// Leaf weights went with the CFQ scheduler (Linux 5.0); net_prio and the limits of RDMA are hardly ever there.
for (const [name, resources, file] of [
  ['blockIO.leafWeight', { blockIO: { leafWeight: 20 } }, 'blkio.leaf_weight'],
  [
    'blockIO.weightDevice.leafWeight',
    { blockIO: { weightDevice: [{ ...(device ?? { major: 8, minor: 0 }), leafWeight: 20 }] } },
    'blkio.leaf_weight_device',
  ],
  ['rdma', { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10_000 } } }, 'rdma.max'],
] as const) {
  const controller = name === 'rdma' ? 'rdma' : 'blkio';
  const directory = cgroupVersion === 1 ? `/sys/fs/cgroup/${controller}` : '/sys/fs/cgroup';
  const has = existsSync(`${directory}/${file}`) || (name === 'rdma' && needsControllers('rdma') === false);
  check(
    `linux.resources.${name} is refused by name where the kernel has none`,
    { skip: has && 'this kernel has it', knownToFail: { crun: leavesCgroups } },
    (box) => {
      refused(limited(box, resources).create(), new RegExp(name === 'rdma' ? 'rdma' : 'leaf ?_?weight', 'i'));
      box.assertNothingLeft();
    },
  );
}

check(
  'rdma limits of a device that is not there are refused with what was asked of it',
  { skip: needsControllers('rdma') },
  (box) => {
    const rdma = { nosuch_1: { hcaHandles: 3, hcaObjects: 10_000 } };
    const { stderr } = refused(limited(box, { rdma }).create(), /nosuch_1 hca_handle=3 hca_object=10000/);
    assert.match(stderr, /rdma\.max/);
    box.assertNothingLeft();
  },
);

check('network.priorities are set', { skip: needsV1 || needsControllers('net_prio') }, (box) => {
  const container = limited(box, { network: { priorities: [{ name: 'lo', priority: 5 }] } });
  ok(container.create());
  assert.match(readCgroup(container.pid(), 'net_prio', 'net_prio.ifpriomap'), /^lo 5$/m);
});

check(
  'network.priorities of an interface that is not there are refused by the name',
  { skip: needsV1 || needsControllers('net_prio') },
  (box) => {
    const container = limited(box, { network: { priorities: [{ name: 'no-such-if', priority: 5 }] } });
    refused(container.create(), /no-such-if/);
    box.assertNothingLeft();
  },
);

// config-linux.md, Unified
check('unified is written as it is, and wins', { skip: needsV2 || needsControllers('memory', 'pids') }, (box) => {
  const container = limited(box, {
    pids: { limit: 42 },
    unified: { 'pids.max': '17', 'memory.high': '33554432', 'memory.min': '1048576' },
  });
  ok(container.create());
  expectFiles(container, [
    ['pids', '', '', 'pids.max', '17'],
    ['memory', '', '', 'memory.high', '33554432'],
    ['memory', '', '', 'memory.min', '1048576'],
  ]);
});

check('unified is refused where there is cgroup v1', { skip: needsV1 }, (box) => {
  const container = limited(box, { unified: { 'pids.max': '17' } });
  refused(container.create(), /unified/);
  box.assertNothingLeft();
});

// --- what can't be set ----------------------------------------------------------------------------------------------

check('a limit that the kernel refuses fails create, and leaves nothing', { skip: needsControllers('cpu') }, (box) => {
  // Also when systemd has made a whole percent of it.
  const container = limited(box, { cpu: { quota: 1, period: 1000 } });
  refused(container.create(), /quota|cpu\.max/);
  box.assertNothingLeft();
});

for (const name of ['cpus', 'mems'])
  check(
    `cpuset.${name} that the host does not have are refused by name`,
    { skip: needsControllers('cpuset') },
    (box) => {
      const container = limited(box, { cpu: { [name]: '1000' } });
      refused(container.create(), new RegExp(`cpuset\\.${name}|cpu[./]${name}`));
      box.assertNothingLeft();
    },
  );

// --- real load ------------------------------------------------------------------------------------------------------

check('a program that takes more memory than its limit is killed', { skip: needsControllers('memory') }, (box) => {
  const script = 'dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; echo "status $?"; exec sleep 300';
  const container = limited(box, { memory: { limit: 16 * MIB, swap: 16 * MIB } }, ['/bin/sh', '-c', script]);
  ok(container.create());
  ok(container.start());
  assert.equal(container.waitForOutput(/status \d+/), 'status 137\n');
  const file = cgroupVersion === 1 ? 'memory.oom_control' : 'memory.events';
  assert.equal(cgroupCount(container.pid(), 'memory', file, 'oom_kill'), 1);
});

check('a fork bomb is stopped by the limit of processes', { skip: needsControllers('pids') }, (box) => {
  const bomb = 'sleep 300 & while true; do sleep 300 & done';
  const script = `sh -c '${bomb}'; echo ended; exec sleep 300`;
  const container = limited(box, { pids: { limit: 12 } }, ['/bin/sh', '-c', script]);
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ended/);
  const pid = container.pid();
  assert.equal(Number(readCgroup(pid, 'pids', 'pids.current')) <= 12, true);
  assert.ok(cgroupCount(pid, 'pids', 'pids.events', 'max') > 0);
  assert.match(container.stderr(), /can't fork/);
});

check(
  'a limit of one process is enough for the program itself',
  {
    skip: needsControllers('pids'),
  },
  (box) => {
    const container = limited(box, { pids: { limit: 1 } }, ['/bin/echo', 'alone']);
    assert.equal(ok(container.run()).stdout, 'alone\n');
  },
);

check('processor time is limited to the quota', { skip: needsControllers('cpu', 'cpuacct') }, (box) => {
  const period = 100_000;
  const share = 0.2;
  const container = limited(box, { cpu: { quota: share * period, period } }, [
    '/bin/sh',
    '-c',
    'while true; do :; done',
  ]);
  ok(container.create());
  ok(container.start());
  const pid = container.pid();
  const periods = () => cgroupCount(pid, 'cpu', 'cpu.stat', 'nr_periods');
  const microseconds = () =>
    cgroupVersion === 1
      ? Number(readCgroup(pid, 'cpuacct', 'cpuacct.usage')) / 1000
      : cgroupCount(pid, 'cpu', 'cpu.stat', 'usage_usec');
  const sample = (from: number) =>
    waitFor(
      `period ${from}`,
      () => (periods() >= from ? { periods: periods(), used: microseconds() } : undefined),
      20_000,
    );
  // Periods in which it ran are the clock: how long they take on a busy machine does not matter.
  const begin = sample(3);
  const end = sample(begin.periods + 30);
  const measured = (end.used - begin.used) / ((end.periods - begin.periods) * period);
  assert.ok(Math.abs(measured - share) <= 0.15 * share, `${measured.toFixed(3)} instead of ${share}`);
});

// --- update ---------------------------------------------------------------------------------------------------------

function running(box: Sandbox, resources: Resources): Container {
  const container = limited(box, resources);
  ok(container.create());
  ok(container.start());
  return container;
}

check(
  'update changes limits by options, before or after the id',
  { skip: needsControllers('memory', 'pids', 'cpu') },
  (box) => {
    const container = running(box, { memory: { limit: 64 * MIB }, pids: { limit: 42 } });
    ok(box.command(['update', '--memory', '32M', '--memory-reservation', '16M', container.id], {}));
    ok(box.command(['update', container.id, '--pids-limit', '10', '--cpu-share', '512'], {}));
    expectFiles(container, [
      ['memory', 'memory.limit_in_bytes', '33554432', 'memory.max', '33554432'],
      ['memory', 'memory.soft_limit_in_bytes', '16777216', 'memory.low', '16777216'],
      ['pids', 'pids.max', '10', 'pids.max', '10'],
    ]);
    if (cgroupVersion === 1) assert.equal(readCgroup(container.pid(), 'cpu', 'cpu.shares'), '512');
  },
);

check('update reads resources from standard input', { skip: needsControllers('memory', 'cpu') }, (box) => {
  const container = running(box, { memory: { limit: 64 * MIB } });
  const resources = { memory: { limit: 48 * MIB }, cpu: { quota: 30_000, period: 60_000 } };
  ok(box.command(['update', '--resources', '-', container.id], { input: JSON.stringify(resources) }));
  expectFiles(container, [
    ['memory', 'memory.limit_in_bytes', `${48 * MIB}`, 'memory.max', `${48 * MIB}`],
    ['cpu', 'cpu.cfs_quota_us', '30000', 'cpu.max', '30000 60000'],
  ]);
});

check('limits of memory and swap go up and down together', { skip: needsControllers('memory') }, (box) => {
  const container = running(box, { memory: { limit: 64 * MIB, swap: 96 * MIB } });
  const update = (...args: string[]) => ok(box.command(['update', ...args, container.id], {}));
  const expect = (limit: number, swap: number) =>
    expectFiles(container, [
      ['memory', 'memory.limit_in_bytes', `${limit * MIB}`, 'memory.max', `${limit * MIB}`],
      ['memory', 'memory.memsw.limit_in_bytes', `${swap * MIB}`, 'memory.swap.max', `${(swap - limit) * MIB}`],
    ]);
  update('--memory', '256M', '--memory-swap', '512M');
  expect(256, 512);
  update('--memory', '32M', '--memory-swap', '40M');
  expect(32, 40);
  // The other one is remembered.
  update('--memory-swap', '48M');
  expect(32, 48);
  update('--memory', '-1');
  expectFiles(container, [
    ['memory', 'memory.limit_in_bytes', UNLIMITED, 'memory.max', 'max'],
    ['memory', 'memory.memsw.limit_in_bytes', UNLIMITED, 'memory.swap.max', 'max'],
  ]);
});

const unchecked = { runc: 'does not know checkBeforeUpdate' };
check(
  'a memory limit below what is in use is refused where checkBeforeUpdate says so, and changes nothing',
  { skip: needsV2 || needsControllers('memory', 'pids'), knownToFail: unchecked },
  (box) => {
    const container = box.container((config, { id }) => {
      // A file in memory: it is counted, and no reclaim frees it.
      config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
      const hold = 'dd if=/dev/zero of=/tmp/held bs=1M count=16 2>/dev/null; echo held; exec sleep 300';
      config.process.args = ['/bin/sh', '-c', hold];
      // Where a limit would have the kernel kill, it finds nothing that it may.
      config.process.oomScoreAdj = -1000;
      if (!byPathOnly) config.linux.cgroupsPath = `/${id}`;
      config.linux.resources = { memory: { limit: 64 * MIB }, pids: { limit: 42 } };
    });
    ok(container.create());
    ok(container.start());
    container.waitForOutput(/held/);
    const pid = container.pid();
    const directory = cgroupDirectory(pid, 'memory');
    const update = (memory: Resources['memory'], pids: number) => {
      const file = writeIn(box, 'resources.json', JSON.stringify({ memory, pids: { limit: pids } }));
      return box.command(['update', '--resources', file, container.id], {});
    };
    const limits = () => ['memory.max', 'pids.max'].map((file) => readFileSync(join(directory, file), 'utf8').trim());
    assert.ok(Number(readCgroup(pid, 'memory', 'memory.current')) > 16 * MIB);

    refused(update({ limit: 8 * MIB, checkBeforeUpdate: true }, 41), /memory limit/);
    assert.deepEqual(limits(), [`${64 * MIB}`, '42']);
    assert.equal(container.state().status, 'running');
    ok(update({ limit: 48 * MIB, checkBeforeUpdate: true }, 40));
    assert.deepEqual(limits(), [`${48 * MIB}`, '40']);
    // The kernel itself refuses no limit.
    ok(update({ limit: 8 * MIB, checkBeforeUpdate: false }, 39));
    assert.deepEqual(limits(), [`${8 * MIB}`, '39']);
    assert.equal(container.state().status, 'running');
  },
);

check('an update of the period keeps the quota', { skip: needsControllers('cpu') }, (box) => {
  const container = running(box, { cpu: { quota: 20_000, period: 100_000 } });
  ok(box.command(['update', '--cpu-period', '200000', container.id], {}));
  expectFiles(container, [['cpu', 'cpu.cfs_quota_us', '20000', 'cpu.max', '20000 200000']]);
  if (cgroupVersion === 1) assert.equal(readCgroup(container.pid(), 'cpu', 'cpu.cfs_period_us'), '200000');
});

check(
  'an update that is refused in part changes nothing',
  { skip: needsControllers('memory', 'pids', 'cpuset') },
  (box) => {
    const container = running(box, { memory: { limit: 64 * MIB }, pids: { limit: 42 } });
    refused(box.command(['update', '--pids-limit', '7', '--memory', '32M', '--cpuset-cpus', '4095', container.id], {}));
    expectFiles(container, [
      ['memory', 'memory.limit_in_bytes', '67108864', 'memory.max', '67108864'],
      ['pids', 'pids.max', '42', 'pids.max', '42'],
    ]);
  },
);

const noDevices = { runc: 'leaves devices alone', crun: 'leaves devices alone' };
check('update changes which devices may be opened', { knownToFail: noDevices }, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
    const capabilities = ['CAP_MKNOD', 'CAP_SYSLOG'];
    config.process.capabilities = { bounding: capabilities, permitted: capabilities, effective: capabilities };
  });
  ok(container.create());
  ok(container.start());
  const update = (devices: object[]) =>
    ok(box.command(['update', '--resources', '-', container.id], { input: JSON.stringify({ devices }) }));
  const open = 'test -e /tmp/k || mknod /tmp/k c 1 11; dd if=/tmp/k of=/dev/null bs=1 count=0 2>&1 && echo opened';
  const attempt = () => container.exec(['/bin/sh', '-c', open]).stdout;
  assert.match(attempt(), /Operation not permitted/);
  const none = { allow: false, access: 'rwm' };
  update([none, { allow: true, type: 'c', major: 1, minor: 11, access: 'r' }]);
  assert.match(attempt(), /opened/);
  update([none]);
  assert.match(attempt(), /Operation not permitted/);
});

check('an update with nonsense is refused', (box) => {
  const container = running(box, {});
  refused(box.command(['update', '--memory', 'much', container.id], {}));
  refused(box.command(['update', '--resources', '-', container.id], { input: '{"memory":{"limit":"x"}}' }));
  refused(box.command(['update', '--resources', '-', container.id], { input: 'no JSON' }));
  refused(box.command(['update', '--memory', '32M', 'no-such-container'], {}));
});

check('a container that has stopped can not be updated', (box) => {
  const container = running(box, {});
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  refused(box.command(['update', '--pids-limit', '5', container.id], {}), /not running/);
});

// --- the cgroup itself ----------------------------------------------------------------------------------------------

check('a cgroup with processes in it is refused', { skip: byPathOnly }, (box) => {
  const first = running(box, {});
  const second = box.container((config) => {
    config.linux.cgroupsPath = `/${first.id}`;
  });
  refused(second.create(), /container's cgroup is not empty/);
  assert.equal(first.state().status, 'running');
});
