// config-linux.md, "Control groups".

import type { Row } from './row.ts';

const LIMITS = 'conformance/resources.test.ts';
const MEMORY = 'src/cgroup/resources/memory.ts';
const CPU = 'src/cgroup/resources/cpu.ts';
const BLOCK_IO = 'src/cgroup/resources/block-io.ts';
const OTHERS = 'src/cgroup/resources/others.ts';
const IN_FORCE = [LIMITS, 'linux.resources.… is in force before the program starts'] as const;
const WITHOUT = [LIMITS, 'linux.resources.… is refused by name where the kernel has none'] as const;

export const RESOURCES: readonly Row[] = [
  { properties: ['/linux/resources'], honouredBy: 'src/container/make-cgroups.ts', test: IN_FORCE },
  {
    properties: ['/linux/resources/devices', '/linux/resources/devices/*/{allow,type,major,minor,access}'],
    honouredBy: 'src/cgroup/device-rules.ts',
    test: [
      'conformance/cgroups.test.ts',
      'a device rule is about the devices of its type and numbers, and about its accesses',
    ],
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
    test: ['integration/ignored.test.ts', '… is ignored, with a warning'],
  },
  {
    properties: ['/linux/resources/memory/kernelTCP'],
    honouredBy: MEMORY,
    test: [LIMITS, 'memory.kernelTCP of cgroup v1 is set'],
  },
  {
    properties: ['/linux/resources/memory/{swappiness,disableOOMKiller}'],
    honouredBy: MEMORY,
    test: [LIMITS, 'the other limits of memory of cgroup v1 are set'],
  },
  {
    properties: ['/linux/resources/memory/useHierarchy'],
    honouredBy: MEMORY,
    test: [LIMITS, 'useHierarchy: false is told to the kernel, which refuses it since Linux 5.11'],
  },
  {
    properties: ['/linux/resources/memory/checkBeforeUpdate'],
    honouredBy: 'src/cgroup/resources/memory-usage.ts',
    test: [
      LIMITS,
      'a memory limit below what is in use is refused where checkBeforeUpdate says so, and changes nothing',
    ],
  },
  {
    properties: ['/linux/resources/cpu', '/linux/resources/cpu/{shares,quota,burst,period,idle,cpus}'],
    honouredBy: CPU,
    test: IN_FORCE,
  },
  {
    properties: ['/linux/resources/cpu/mems'],
    honouredBy: CPU,
    test: [LIMITS, 'cpuset.… that the host does not have are refused by name'],
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
    test: [LIMITS, 'the weight of a device is set, or what the kernel says of it is told'],
  },
  {
    properties: ['/linux/resources/blockIO/leafWeight', '/linux/resources/blockIO/weightDevice/*/leafWeight'],
    honouredBy: BLOCK_IO,
    test: WITHOUT,
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
    properties: ['/linux/resources/network/priorities', '/linux/resources/network/priorities/*/priority'],
    honouredBy: OTHERS,
    test: [LIMITS, 'network.priorities are set'],
  },
  {
    properties: ['/linux/resources/network/priorities/*/name'],
    honouredBy: OTHERS,
    test: [LIMITS, 'network.priorities of an interface that is not there are refused by the name'],
  },
  { properties: ['/linux/resources/pids', '/linux/resources/pids/limit'], honouredBy: OTHERS, test: IN_FORCE },
  {
    properties: ['/linux/resources/rdma'],
    honouredBy: OTHERS,
    test: WITHOUT,
  },
  {
    properties: ['/linux/resources/rdma/*/{hcaHandles,hcaObjects}'],
    honouredBy: OTHERS,
    test: [LIMITS, 'rdma limits of a device that is not there are refused with what was asked of it'],
  },
  {
    properties: ['/linux/resources/unified'],
    honouredBy: OTHERS,
    test: [LIMITS, 'unified is written as it is, and wins'],
  },
];
