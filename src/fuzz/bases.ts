// Configs to begin with. Between them they have a value at every place that runt honours, so that a mutation somewhere has
// the surroundings that make it matter.

import { defaultConfig } from '../spec/default-config.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const hook = (path: string): Json => ({ path, args: [path, '-x'], env: ['A=b'], timeout: 5 });
const throttle: Json = [{ major: 8, minor: 0, rate: 1048576 }];
const ids: Json = [{ containerID: 0, hostID: 100000, size: 65536 }];

/** What no version of runt refuses: much of everything. */
const FULL: Json = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs', readonly: true },
  process: {
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 1000, gid: 1000, umask: 18, additionalGids: [5, 6] },
    args: ['/bin/sh', '-c', 'true'],
    env: ['PATH=/bin', 'HOME=/'],
    cwd: '/work',
    capabilities: {
      bounding: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_KILL'],
      inheritable: ['CAP_KILL'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
      ambient: ['CAP_KILL'],
    },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 }],
    noNewPrivileges: true,
    oomScoreAdj: 100,
    execCPUAffinity: { initial: '0', final: '0-1' },
  },
  hostname: 'box',
  domainname: 'example',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
    { destination: '/data', type: 'bind', source: '/usr', options: ['rbind', 'rro', 'rslave'] },
    { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
  ],
  hooks: {
    prestart: [hook('/bin/a')],
    createRuntime: [hook('/bin/b')],
    createContainer: [hook('/bin/c')],
    startContainer: [hook('/bin/d')],
    poststart: [hook('/bin/e')],
    poststop: [hook('/bin/f')],
  },
  annotations: { 'org.systemd.property.TimeoutStopSec': 'uint64 5', other: 'x' },
  linux: {
    namespaces: [
      { type: 'mount' },
      { type: 'pid' },
      { type: 'network' },
      { type: 'uts' },
      { type: 'ipc', path: '/proc/1/ns/ipc' },
      { type: 'cgroup' },
    ],
    devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    cgroupsPath: '/boxes/one',
    sysctl: { 'net.ipv4.ip_forward': '1' },
    rootfsPropagation: 'rslave',
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
      ],
      memory: { limit: 67108864, swap: 134217728 },
      cpu: { shares: 512, quota: 50000, period: 100000 },
      pids: { limit: 100 },
    },
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      listenerPath: '/run/agent.sock',
      listenerMetadata: 'm',
      syscalls: [
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
        {
          names: ['ptrace'],
          action: 'SCMP_ACT_KILL_PROCESS',
          args: [{ index: 0, value: 16, valueTwo: 3, op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    },
  },
};

/** All limits that there are: no host has the control groups for all of them. */
const LIMITED: Json = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['sh'] },
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'pid' }],
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
      ],
      memory: {
        limit: 67108864,
        reservation: 1048576,
        swap: 134217728,
        kernel: -1,
        kernelTCP: -1,
        swappiness: 10,
        disableOOMKiller: false,
        useHierarchy: true,
        checkBeforeUpdate: true,
      },
      cpu: {
        shares: 512,
        quota: 50000,
        burst: 1000,
        period: 100000,
        realtimeRuntime: 0,
        realtimePeriod: 1000000,
        cpus: '0-1',
        mems: '0',
        idle: 0,
      },
      blockIO: {
        weight: 100,
        leafWeight: 100,
        weightDevice: [{ major: 8, minor: 0, weight: 100, leafWeight: 100 }],
        throttleReadBpsDevice: throttle,
        throttleWriteBpsDevice: throttle,
        throttleReadIOPSDevice: throttle,
        throttleWriteIOPSDevice: throttle,
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
      network: { classID: 1048577, priorities: [{ name: 'lo', priority: 1 }] },
      pids: { limit: 100 },
      rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 1000 } },
      unified: { 'memory.high': '67108864' },
    },
  },
};

const USER_NAMESPACE: Json = {
  ociVersion: '1.3.0',
  root: { path: '/rootfs' },
  process: { cwd: '/', args: ['/bin/true'], user: { uid: 0, gid: 0 } },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/data', source: '/usr', options: ['rbind', 'ro'] },
  ],
  linux: {
    uidMappings: ids,
    gidMappings: ids,
    namespaces: [{ type: 'user' }, { type: 'mount' }, { type: 'pid' }, { type: 'network' }],
    devices: [{ type: 'p', path: '/dev/pipe' }],
    sysctl: { 'net.ipv4.ip_forward': '1', 'user.max_user_namespaces': '3' },
  },
};

const MINIMAL: Json = {
  ociVersion: '1.0.2',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['sh'] },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
};

/** `runt spec` of both kinds is among them. */
export const BASES: readonly Json[] = [
  FULL,
  FULL,
  LIMITED,
  USER_NAMESPACE,
  MINIMAL,
  structuredClone(defaultConfig({ rootless: false })) as unknown as Json,
  structuredClone(defaultConfig({ rootless: true, uid: 1000, gid: 1000 })) as unknown as Json,
];
