// config-linux.md, "Control groups".

import type { Row } from './row.ts';

const LIMITS = 'conformance/resources.test.ts';
const UNIT = 'src/cgroup/resources/resources.test.ts';
const MEMORY = 'src/cgroup/resources/memory.ts';
const CPU = 'src/cgroup/resources/cpu.ts';
const BLOCK_IO = 'src/cgroup/resources/block-io.ts';
const OTHERS = 'src/cgroup/resources/others.ts';
const IN_FORCE = [LIMITS, 'linux.resources.… is in force before the program starts'] as const;
const ONLY_V1 = [UNIT, '… is a file of v1, and refused by name where there is only v2'] as const;
const ALL_FILES = [UNIT, '…: as files of v1 and v2'] as const;

export const RESOURCES: readonly Row[] = [
  { properties: ['/linux/resources'], honouredBy: 'src/container/make-cgroups.ts', test: IN_FORCE },
  {
    properties: ['/linux/resources/devices', '/linux/resources/devices/*/{allow,type,major,minor,access}'],
    honouredBy: 'src/cgroup/device-rules.ts',
    test: ['conformance/cgroups.test.ts', 'device rules are applied in the listed order'],
  },
  {
    properties: ['/linux/resources/memory', '/linux/resources/memory/{limit,reservation}'],
    honouredBy: MEMORY,
    test: IN_FORCE,
  },
  {
    properties: ['/linux/resources/memory/swap'],
    honouredBy: MEMORY,
    test: [LIMITS, 'memory.swap is the limit of memory and swap together'],
  },
  {
    properties: ['/linux/resources/memory/kernel'],
    ignoredBy: 'src/cgroup/resources/index.ts',
    because: 'no kernel that runt runs on has it, which is a warning',
    test: [UNIT, 'a limit of kernel memory is ignored with a warning'],
  },
  { properties: ['/linux/resources/memory/kernelTCP'], honouredBy: MEMORY, test: ONLY_V1 },
  {
    properties: ['/linux/resources/memory/{swappiness,disableOOMKiller,useHierarchy}'],
    honouredBy: MEMORY,
    test: [LIMITS, 'the other limits of memory of cgroup v1 are set'],
  },
  {
    properties: ['/linux/resources/memory/checkBeforeUpdate'],
    honouredBy: 'src/cgroup/resources/memory-usage.ts',
    test: [
      'src/cgroup/resources/memory-usage.test.ts',
      'a limit below what is in use is refused where checkBeforeUpdate says so',
    ],
  },
  {
    properties: ['/linux/resources/cpu', '/linux/resources/cpu/{shares,quota,burst,period,idle,cpus,mems}'],
    honouredBy: CPU,
    test: IN_FORCE,
  },
  {
    properties: ['/linux/resources/cpu/{realtimeRuntime,realtimePeriod}'],
    honouredBy: CPU,
    test: [LIMITS, 'real-time bandwidth of cgroup v1 is set'],
  },
  {
    properties: ['/linux/resources/blockIO', '/linux/resources/blockIO/weight'],
    honouredBy: BLOCK_IO,
    test: [LIMITS, 'blockIO.weight is set, in the file that the kernel has'],
  },
  {
    properties: [
      '/linux/resources/blockIO/weightDevice',
      '/linux/resources/blockIO/weightDevice/*/{major,minor,weight}',
    ],
    honouredBy: BLOCK_IO,
    test: ALL_FILES,
  },
  {
    properties: ['/linux/resources/blockIO/leafWeight', '/linux/resources/blockIO/weightDevice/*/leafWeight'],
    honouredBy: BLOCK_IO,
    test: ONLY_V1,
  },
  {
    properties: [
      '/linux/resources/blockIO/{throttleReadBpsDevice,throttleWriteBpsDevice,throttleReadIOPSDevice,throttleWriteIOPSDevice}',
      '/linux/resources/blockIO/{throttleReadBpsDevice,throttleWriteBpsDevice,throttleReadIOPSDevice,throttleWriteIOPSDevice}/*/{major,minor,rate}',
    ],
    honouredBy: BLOCK_IO,
    test: [LIMITS, 'blockIO throttles are set, a file or a key each'],
  },
  {
    properties: ['/linux/resources/hugepageLimits', '/linux/resources/hugepageLimits/*/{pageSize,limit}'],
    honouredBy: OTHERS,
    test: IN_FORCE,
  },
  { properties: ['/linux/resources/network', '/linux/resources/network/classID'], honouredBy: OTHERS, test: IN_FORCE },
  {
    properties: ['/linux/resources/network/priorities', '/linux/resources/network/priorities/*/{name,priority}'],
    honouredBy: OTHERS,
    test: ONLY_V1,
  },
  { properties: ['/linux/resources/pids', '/linux/resources/pids/limit'], honouredBy: OTHERS, test: IN_FORCE },
  {
    properties: ['/linux/resources/rdma', '/linux/resources/rdma/*/{hcaHandles,hcaObjects}'],
    honouredBy: OTHERS,
    test: ALL_FILES,
  },
  {
    properties: ['/linux/resources/unified'],
    honouredBy: OTHERS,
    test: [LIMITS, 'unified is written as it is, and wins'],
  },
];
