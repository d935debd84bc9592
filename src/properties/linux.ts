// config-linux.md, but for the limits.

import type { Row } from './row.ts';

const NAMESPACES = 'conformance/namespaces.test.ts';
const USERS = 'conformance/user-namespaces.test.ts';
const SECCOMP = 'conformance/seccomp.test.ts';
const ROOTFS = 'conformance/rootfs.test.ts';
const RDT = 'integration/resource-class.test.ts';
const KERNEL_FEATURES = 'conformance/kernel-features.test.ts';

export const LINUX: readonly Row[] = [
  {
    properties: ['/linux/namespaces', '/linux/namespaces/*/type'],
    honouredBy: 'src/container/prepare.ts',
    test: [NAMESPACES, 'each namespace that is listed without a path is a new one'],
  },
  {
    properties: ['/linux/namespaces/*/path'],
    honouredBy: 'src/container/prepare.ts',
    test: [NAMESPACES, 'the … namespace of another container is joined by its path'],
  },
  {
    properties: ['/linux/{uidMappings,gidMappings}'],
    honouredBy: 'src/container/user-namespace.ts',
    test: [USERS, 'the ids are mapped as the config says, root is root inside and nobody special outside'],
  },
  {
    properties: ['/linux/{uidMappings,gidMappings}/*/{containerID,hostID,size}'],
    honouredBy: 'src/container/id-maps.ts',
    test: [USERS, 'several ranges are mapped, each as given'],
  },
  {
    properties: ['/linux/timeOffsets', '/linux/timeOffsets/*/{secs,nanosecs}'],
    honouredBy: 'src/init/steps/time-namespace.ts',
    test: ['conformance/time-namespace.test.ts', 'the clocks of the program are set as timeOffsets says'],
  },
  {
    properties: ['/linux/devices', '/linux/devices/*/{type,path,major,minor,fileMode,uid,gid}'],
    honouredBy: 'src/init/steps/devices.ts',
    test: ['conformance/devices.test.ts', 'devices of each type are made, with mode and owner'],
  },
  {
    properties: ['/linux/netDevices', '/linux/netDevices/*/name'],
    honouredBy: 'src/container/network-devices.ts',
    test: ['conformance/network-devices.test.ts', 'it has another name there, if the config gives it one'],
  },
  {
    properties: ['/linux/cgroupsPath'],
    honouredBy: 'src/cgroup/paths.ts',
    test: ['conformance/cgroups.test.ts', 'an absolute cgroupsPath is taken from the top of each hierarchy'],
  },
  {
    properties: ['/linux/intelRdt'],
    honouredBy: 'src/resctrl/class.ts',
    test: [RDT, 'a container has a class of its own from create on, exec is in it, and it goes with the container'],
  },
  {
    properties: ['/linux/intelRdt/{closID,enableMonitoring}'],
    honouredBy: 'src/resctrl/class.ts',
    test: [
      RDT,
      'a container joins a class that is there, with a monitoring group of its own, which alone goes with it',
    ],
  },
  {
    properties: ['/linux/intelRdt/{schemata,l3CacheSchema,memBwSchema}'],
    honouredBy: 'src/resctrl/schemata.ts',
    test: [RDT, 'intelRdt.… is written to the class'],
  },
  {
    properties: ['/linux/memoryPolicy', '/linux/memoryPolicy/{mode,nodes}'],
    honouredBy: 'src/init/steps/memory-policy.ts',
    test: [KERNEL_FEATURES, 'the memory of the program comes by …'],
  },
  {
    properties: ['/linux/memoryPolicy/flags'],
    honouredBy: 'src/init/steps/memory-policy.ts',
    test: [KERNEL_FEATURES, 'flags hold'],
  },
  {
    properties: ['/linux/sysctl'],
    honouredBy: 'src/init/steps/kernel-settings.ts',
    test: [NAMESPACES, 'sysctls of the network and of ipc are set in the container and not on the host'],
  },
  {
    properties: ['/linux/rootfsPropagation'],
    honouredBy: 'src/init/steps/root.ts',
    test: [ROOTFS, 'rootfsPropagation … is what the root mount has'],
  },
  {
    properties: ['/linux/maskedPaths'],
    honouredBy: 'src/init/steps/confined-paths.ts',
    test: [ROOTFS, 'a masked file reads as empty and cannot be written'],
  },
  {
    properties: ['/linux/readonlyPaths'],
    honouredBy: 'src/init/steps/confined-paths.ts',
    test: [ROOTFS, 'read-only paths cannot be written, files and directories; what is beside them can'],
  },
  {
    properties: ['/linux/mountLabel'],
    honouredBy: 'src/container/labels.ts',
    test: [
      'conformance/labels-selinux.test.ts',
      'file systems have the mount label, but those that the kernel labels itself',
    ],
  },
  {
    properties: ['/linux/personality', '/linux/personality/domain'],
    honouredBy: 'src/init/steps/personality.ts',
    test: [KERNEL_FEATURES, 'the personality LINUX32 shows a machine of 32 bits, to exec too'],
  },
  {
    properties: ['/linux/personality/flags'],
    refusedBy: 'src/spec/semantics/kernel-features.ts',
    test: [KERNEL_FEATURES, 'flags of a personality are an error: there are none yet'],
  },
];

export const SECCOMP_ROWS: readonly Row[] = [
  {
    properties: ['/linux/seccomp'],
    honouredBy: 'src/init/steps/seccomp.ts',
    test: [SECCOMP, 'the program runs under the filter: mode 2, one filter (…)'],
  },
  {
    properties: ['/linux/seccomp/{defaultAction,defaultErrnoRet}'],
    honouredBy: 'src/seccomp/rules.ts',
    test: [SECCOMP, 'what no rule allows gets the default errno (…)'],
  },
  {
    properties: ['/linux/seccomp/architectures'],
    honouredBy: 'src/seccomp/compile.ts',
    test: [SECCOMP, '32-bit calls are filtered where the profile lists their architecture, and fatal where not'],
  },
  {
    properties: ['/linux/seccomp/flags'],
    honouredBy: 'src/seccomp/compile.ts',
    test: ['integration/seccomp-flags.test.ts', 'the filter is installed with the flags of the profile: …'],
  },
  {
    properties: ['/linux/seccomp/{listenerPath,listenerMetadata}'],
    honouredBy: 'src/container/seccomp-agent.ts',
    test: [SECCOMP, 'the agent gets the listener and the state of the container, and answers for the kernel (…)'],
  },
  {
    properties: ['/linux/seccomp/syscalls', '/linux/seccomp/syscalls/*/{names,action,errnoRet}'],
    honouredBy: 'src/seccomp/rules.ts',
    test: [SECCOMP, 'a rule refuses with its errno, EPERM where it has none (…)'],
  },
  {
    properties: ['/linux/seccomp/syscalls/*/args'],
    honouredBy: 'src/seccomp/rules.ts',
    test: [SECCOMP, 'arguments decide: one rule needs all its conditions, several rules are alternatives'],
  },
  {
    properties: ['/linux/seccomp/syscalls/*/args/*/index'],
    honouredBy: 'src/seccomp/conditions.ts',
    test: [SECCOMP, 'arguments decide: one rule needs all its conditions, several rules are alternatives'],
  },
  {
    properties: ['/linux/seccomp/syscalls/*/args/*/{value,valueTwo,op}'],
    honouredBy: 'src/seccomp/conditions.ts',
    test: [SECCOMP, 'an argument is compared as its operator says'],
  },
];
