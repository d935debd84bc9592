// From facts to abilities: control groups. Pure.

import type { Ability, ControllerFacts, HostFacts, Lack } from './facts.ts';

interface Limit {
  readonly of: readonly string[];
  readonly controller: string;
  /** The control files that do it, by version; any of them is enough. None: this version of cgroups has nothing like it. */
  readonly files: { readonly 1: readonly string[]; readonly 2: readonly string[] };
  /** What the kernel is built with for the files. */
  readonly needs: string;
}

const OPTIONS: Readonly<Record<string, string>> = {
  cpu: 'CONFIG_CGROUP_SCHED',
  cpuacct: 'CONFIG_CGROUP_CPUACCT',
  cpuset: 'CONFIG_CPUSETS',
  memory: 'CONFIG_MEMCG',
  pids: 'CONFIG_CGROUP_PIDS',
  blkio: 'CONFIG_BLK_CGROUP',
  hugetlb: 'CONFIG_CGROUP_HUGETLB',
  rdma: 'CONFIG_CGROUP_RDMA',
  net_cls: 'CONFIG_CGROUP_NET_CLASSID',
  net_prio: 'CONFIG_CGROUP_NET_PRIO',
  devices: 'CONFIG_CGROUP_DEVICE',
  freezer: 'CONFIG_CGROUP_FREEZER',
};

function limit(of: string | readonly string[], controller: string, v1: string, v2: string, needs?: string): Limit {
  const files = (text: string): readonly string[] => (text === '' ? [] : text.split(' '));
  return {
    // What has blanks is no field, but something that commands do.
    of: [of].flat().map((name) => (name.includes(' ') ? name : `linux.resources.${name}`)),
    controller,
    files: { 1: files(v1), 2: files(v2) },
    needs: needs ?? OPTIONS[controller] ?? '',
  };
}

const LIMITS: readonly Limit[] = [
  limit('memory.limit', 'memory', 'memory.limit_in_bytes', 'memory.max'),
  limit('memory.reservation', 'memory', 'memory.soft_limit_in_bytes', 'memory.low'),
  limit(
    'memory.swap',
    'memory',
    'memory.memsw.limit_in_bytes',
    'memory.swap.max',
    'CONFIG_SWAP, started with swapaccount=1',
  ),
  limit('memory.kernelTCP', 'memory', 'memory.kmem.tcp.limit_in_bytes', '', 'CONFIG_MEMCG_V1, before Linux 6.12'),
  limit(['memory.swappiness', 'memory.disableOOMKiller'], 'memory', 'memory.swappiness memory.oom_control', ''),
  limit('memory.useHierarchy', 'memory', 'memory.use_hierarchy', ''),
  limit('cpu.shares', 'cpu', 'cpu.shares', 'cpu.weight', 'CONFIG_FAIR_GROUP_SCHED'),
  limit(['cpu.quota', 'cpu.period'], 'cpu', 'cpu.cfs_quota_us', 'cpu.max', 'CONFIG_CFS_BANDWIDTH'),
  limit('cpu.burst', 'cpu', 'cpu.cfs_burst_us', 'cpu.max.burst', 'CONFIG_CFS_BANDWIDTH, Linux 5.14'),
  limit('cpu.idle', 'cpu', 'cpu.idle', 'cpu.idle', 'CONFIG_FAIR_GROUP_SCHED, Linux 5.15'),
  limit(['cpu.realtimeRuntime', 'cpu.realtimePeriod'], 'cpu', 'cpu.rt_runtime_us', '', 'CONFIG_RT_GROUP_SCHED'),
  limit(['cpu.cpus', 'cpu.mems'], 'cpuset', 'cpuset.cpus', 'cpuset.cpus'),
  limit('pids.limit', 'pids', 'pids.max', 'pids.max'),
  limit(
    ['blockIO.weight', 'blockIO.weightDevice'],
    'blkio',
    'blkio.weight blkio.bfq.weight',
    'io.weight io.bfq.weight',
    'CONFIG_BFQ_GROUP_IOSCHED (modprobe bfq) or CONFIG_BLK_CGROUP_IOCOST',
  ),
  limit('blockIO.leafWeight', 'blkio', 'blkio.leaf_weight', '', 'the scheduler CFQ, before Linux 5.0'),
  limit(
    [
      'blockIO.throttleReadBpsDevice',
      'blockIO.throttleWriteBpsDevice',
      'blockIO.throttleReadIOPSDevice',
      'blockIO.throttleWriteIOPSDevice',
    ],
    'blkio',
    'blkio.throttle.read_bps_device',
    'io.max',
    'CONFIG_BLK_DEV_THROTTLING',
  ),
  limit('rdma', 'rdma', 'rdma.max', 'rdma.max'),
  limit('network.classID', 'net_cls', 'net_cls.classid', ''),
  limit('network.priorities', 'net_prio', 'net_prio.ifpriomap', ''),
  limit('devices', 'devices', 'devices.allow', 'cgroup.procs'),
  limit('pause and resume', 'freezer', 'freezer.state', 'cgroup.freeze'),
  limit('processor time in events', 'cpuacct', 'cpuacct.usage', 'cpu.stat'),
];

export function cgroupAbilities({ cgroups, calls, capabilities }: HostFacts): readonly Ability[] {
  const { mode, controllers, isWritable } = cgroups;
  if (mode === 'none') {
    const reason = 'no control group hierarchy is mounted';
    return [
      { of: ['every container'], lack: { kind: 'mount', reason, hint: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' } },
    ];
  }
  const abilities: Ability[] = LIMITS.map((wanted) => ability(wanted, controllers[wanted.controller], mode));
  abilities.push(hugePages(controllers['hugetlb'], mode));
  const unified = ['linux.resources.unified'];
  const v1 = {
    kind: 'mount',
    reason: 'control groups are of version 1 here',
    hint: 'a host with cgroup v2 alone',
  } as const;
  abilities.push(mode === 'v2' ? { of: unified } : { of: unified, lack: v1 });
  if (mode === 'v2') {
    // Bits of the errno tell nothing here: who may not load a program is told so before anything is looked at.
    const of = ['linux.resources.devices by bpf(2)'];
    const may = capabilities.effective.has('CAP_BPF') || capabilities.effective.has('CAP_SYS_ADMIN');
    if (calls.bpf === 38) {
      const reason = 'the system call bpf does not exist';
      abilities.push({
        of,
        lack: { kind: 'option', reason, hint: 'a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF' },
      });
    } else if (may) abilities.push({ of });
    else
      abilities.push({ of, lack: { kind: 'capability', reason: 'the caller has neither CAP_BPF nor CAP_SYS_ADMIN' } });
  }
  const own = ['linux.resources, and cgroups of its own'];
  const closed = {
    kind: 'privilege',
    reason: "the caller may not make cgroups in its own, so a container stays in the caller's",
    hint: 'root, or a cgroup that was delegated to the caller (systemd: Delegate=yes)',
  } as const;
  return [...abilities, isWritable ? { of: own } : { of: own, lack: closed }];
}

function ability({ of, controller, files, needs }: Limit, facts: ControllerFacts | undefined, mode: string): Ability {
  const version = mode === 'v2' ? 2 : 1;
  if (files[version].length === 0) {
    const reason = 'cgroup v2 has nothing like it';
    return { of, lack: { kind: 'kernel', reason, hint: 'a host with cgroup v1' } };
  }
  const lack = controllerLack(controller, facts, mode);
  if (lack !== undefined) return { of, lack };
  if (facts?.files === undefined || files[version].some((file) => facts.files?.has(file))) return { of };
  const reason = `the controller ${controller} has no ${files[version].join(', no ')}`;
  return { of, lack: { kind: 'option', reason, ...(needs === '' ? {} : { hint: `a kernel with ${needs}` }) } };
}

function controllerLack(name: string, facts: ControllerFacts | undefined, mode: string): Lack | undefined {
  if (facts?.version !== undefined) return undefined;
  if (facts === undefined || !facts.built) {
    const reason = `the kernel has no controller ${name}`;
    return { kind: 'option', reason, hint: `a kernel with ${OPTIONS[name] ?? 'it'}` };
  }
  if (!facts.enabled) {
    const reason = `the controller ${name} was switched off when the kernel was started`;
    return {
      kind: 'boot',
      reason,
      hint: `a command line without cgroup_disable=${name} (memory: with cgroup_enable=memory)`,
    };
  }
  const reason = `the controller ${name} is in no hierarchy that is mounted`;
  const hint =
    mode === 'v2'
      ? `take it out of the v1 hierarchy that has it; it is in /sys/fs/cgroup/cgroup.controllers then`
      : `mkdir /sys/fs/cgroup/${name} && mount -t cgroup -o ${name} cgroup /sys/fs/cgroup/${name}`;
  return { kind: 'mount', reason, hint };
}

/** Of what size they are depends on the processor. */
function hugePages(facts: ControllerFacts | undefined, mode: string): Ability {
  const lack = controllerLack('hugetlb', facts, mode);
  const of = ['linux.resources.hugepageLimits'];
  if (lack !== undefined) return { of, lack };
  const sizes = [...(facts?.files ?? [])].flatMap(
    (file) => /^hugetlb\.(\d+[KMG]B)\.(?:max|limit_in_bytes)$/.exec(file)?.[1] ?? [],
  );
  return { of: sizes.length === 0 ? of : [`${of[0]} of ${sizes.sort().join(', ')}`] };
}
