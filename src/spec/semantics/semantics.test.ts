// One table: what a config is given beyond the smallest one, and what the rules say about it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sysctlPath } from '../../linux/sysctl.ts';
import { configWith, MINIMAL, places } from '../fixtures.ts';
import { validateConfig } from '../generated/config-lean.ts';
import type { Config } from '../generated/types.ts';
import { platformOf, RULES, violationsOf } from './index.ts';

type Change = Readonly<Record<string, unknown>>;
const process = (change: Change): Change => ({ process: { cwd: '/', args: ['sh'], ...change } });
const linux = (change: Change, ...types: readonly string[]): Change => ({
  linux: { namespaces: ['mount', 'pid', ...types].map((type) => ({ type })), ...change },
});
const mount = (change: Change): Change => ({ mounts: [{ destination: '/d', ...change }] });
const range = (containerID: number, hostID: number, size: number): Change => ({ containerID, hostID, size });
const users = (mappings: readonly unknown[]): Change =>
  linux({ uidMappings: mappings, gidMappings: [range(0, 0, 1)] }, 'user');

/** Statement, what changes, `severity pointer` of each violation. */
const TABLE: Readonly<Record<string, readonly (readonly [string, Change, ...string[]])[]>> = {
  version: [
    ['versions 1.0.0 to 1.3, and drafts of them, are fine', { ociVersion: '1.0.2-dev' }],
    ['a build part is fine', { ociVersion: '1.2.0+dev' }],
    ['a later minor version is warned of', { ociVersion: '1.4.0' }, 'warning /ociVersion'],
    ['a draft before 1.0 is warned of', { ociVersion: '0.5.0-dev' }, 'warning /ociVersion'],
    ['another major version is refused', { ociVersion: '2.0.0' }, 'error /ociVersion'],
    ['what is no semantic version is refused', { ociVersion: '1.0' }, 'error /ociVersion'],
    ['leading zeros are refused', { ociVersion: '1.00.0' }, 'error /ociVersion'],
  ],
  'root-required': [
    ['a container on Linux has a root', { root: undefined }, 'error '],
    ['the path of the root is not empty', { root: { path: '' } }, 'error /root/path'],
  ],
  'foreign-platform': [
    [
      'sections for other platforms are warned of',
      { zos: {}, vm: { kernel: { path: '/k' } } },
      'warning /zos',
      'warning /vm',
    ],
  ],
  'process-args': [
    ['a container may be created without a process', { process: undefined }],
    ['a process has a program', { process: { cwd: '/' } }, 'error /process'],
    ['the list of arguments is not empty', process({ args: [] }), 'error /process/args'],
  ],
  'process-cwd': [['the working directory is absolute', process({ cwd: 'tmp' }), 'error /process/cwd']],
  'process-env': [
    [
      'entries that are not NAME=value are warned of',
      process({ env: ['A=', 'B', '=C', ''] }),
      'warning /process/env/1',
      'warning /process/env/2',
      'warning /process/env/3',
    ],
  ],
  rlimits: [
    [
      'a limit that Linux has not is refused',
      process({ rlimits: [{ type: 'RLIMIT_NOFILES', soft: 1, hard: 1 }] }),
      'error /process/rlimits/0/type',
    ],
    [
      'a limit is given once',
      process({
        rlimits: [
          { type: 'RLIMIT_CPU', soft: 1, hard: 1 },
          { type: 'RLIMIT_CPU', soft: 1, hard: 1 },
        ],
      }),
      'error /process/rlimits/1/type',
    ],
    [
      'a soft limit is not above the hard one',
      process({ rlimits: [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }] }),
      'error /process/rlimits/0/soft',
    ],
    [
      'both may be without limit',
      process({ rlimits: [{ type: 'RLIMIT_CPU', soft: 18446744073709552000, hard: 18446744073709552000 }] }),
    ],
  ],
  'capability-names': [
    [
      'a capability that is unknown is warned of',
      process({ capabilities: { bounding: ['CAP_KILL', 'CAP_KIL'], ambient: ['kill'] } }),
      'warning /process/capabilities/bounding/1',
      'warning /process/capabilities/ambient/0',
    ],
  ],
  'user-ids': [
    [
      'the id that means -1 is refused',
      process({ user: { uid: 4294967295, gid: 4294967294, additionalGids: [1, 4294967295] } }),
      'error /process/user/uid',
      'error /process/user/additionalGids/1',
    ],
    ['a mask beyond 0777 is warned of', process({ user: { umask: 0o1022 } }), 'warning /process/user/umask'],
  ],
  'process-for-windows': [
    ['commandLine is ignored', process({ commandLine: 'x' }), 'warning /process/commandLine'],
    ['username is ignored', process({ user: { uid: 0, username: 'x' } }), 'warning /process/user/username'],
  ],
  'oom-score': [
    ['the score is from -1000 to 1000', process({ oomScoreAdj: 1001 }), 'error /process/oomScoreAdj'],
    ['-1000 is one', process({ oomScoreAdj: -1000 })],
  ],
  'io-priority': [
    [
      'the priority is from 0 to 7',
      process({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }),
      'error /process/ioPriority/priority',
    ],
  ],
  scheduler: [
    [
      'the nice value is from -20 to 19',
      process({ scheduler: { policy: 'SCHED_OTHER', nice: 20 } }),
      'error /process/scheduler/nice',
    ],
    [
      'only real-time policies have a priority',
      process({ scheduler: { policy: 'SCHED_BATCH', priority: 1 } }),
      'error /process/scheduler/priority',
    ],
    [
      'real-time policies have one from 1 to 99',
      process({ scheduler: { policy: 'SCHED_FIFO' } }),
      'error /process/scheduler/priority',
    ],
    [
      'and no other one',
      process({ scheduler: { policy: 'SCHED_RR', priority: 100 } }),
      'error /process/scheduler/priority',
    ],
    [
      'only one policy has deadlines',
      process({ scheduler: { policy: 'SCHED_RR', priority: 1, runtime: 1 } }),
      'error /process/scheduler/runtime',
    ],
    [
      'that policy may have them',
      process({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2048, period: 4096 } }),
    ],
    ['its period may be left out', process({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2048 } })],
    [
      'the runtime fits the deadline, which fits the period',
      process({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 4096, deadline: 2048, period: 1024 } }),
      'error /process/scheduler/deadline',
      'error /process/scheduler/period',
    ],
    [
      'there is a shortest runtime',
      process({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 1023, deadline: 2048 } }),
      'error /process/scheduler/runtime',
    ],
  ],
  'mount-destinations': [
    [
      'a relative destination is warned of',
      { mounts: [{ destination: 'd', type: 'proc' }] },
      'warning /mounts/0/destination',
    ],
    ['an empty destination is refused', { mounts: [{ destination: '', type: 'proc' }] }, 'error /mounts/0/destination'],
  ],
  'label-lengths': [
    [
      'labels are as long as the kernel takes',
      process({ apparmorProfile: 'a'.repeat(4090), selinuxLabel: 'a'.repeat(4090) }),
    ],
    [
      'longer ones are refused',
      process({ apparmorProfile: 'a'.repeat(4091), selinuxLabel: 'ä'.repeat(2046) }),
      'error /process/apparmorProfile',
      'error /process/selinuxLabel',
    ],
    ['those of mounts are shorter', linux({ mountLabel: 'a'.repeat(256) }), 'error /linux/mountLabel'],
  ],
  'mount-option-lengths': [
    ['options are as long as a page', mount({ type: 'overlay', options: [`lowerdir=${'a'.repeat(4086)}`] })],
    [
      'longer ones are refused',
      mount({ type: 'overlay', options: ['ro', `lowerdir=${'a'.repeat(4080)}`, 'metacopy=on'] }),
      'error /mounts/0/options',
    ],
    [
      'many that are short are fine',
      mount({ type: 'tmpfs', options: Array.from({ length: 100 }, () => `k=${'a'.repeat(200)}`) }),
    ],
  ],
  'path-lengths': [
    ['a path of as many bytes as the kernel takes is fine', process({ cwd: `/${'a'.repeat(4094)}` })],
    ['a longer one is refused', process({ cwd: `/${'a'.repeat(4095)}` }), 'error /process/cwd'],
    ['bytes count, not letters', process({ cwd: `/${'ä'.repeat(2048)}` }), 'error /process/cwd'],
    ['of the root too', { root: { path: 'r'.repeat(5000) } }, 'error /root/path'],
    ['and of mounts', mount({ destination: '/a'.repeat(2100), type: 'proc' }), 'error /mounts/0/destination'],
    [
      'and of devices, and of what is masked or read-only',
      linux({
        devices: [{ type: 'p', path: '/a'.repeat(2100) }],
        maskedPaths: ['/', '/a'.repeat(2100)],
        readonlyPaths: ['/a'.repeat(2100)],
      }),
      'error /linux/devices/0/path',
      'error /linux/maskedPaths/1',
      'error /linux/readonlyPaths/0',
    ],
  ],
  'mount-sources': [
    ['a mount has a type or is a bind mount', mount({}), 'error /mounts/0'],
    ['a bind mount has a source', mount({ options: ['rbind'] }), 'error /mounts/0'],
    [
      'options of a file system are ignored for a bind mount, with a warning',
      mount({ source: '/s', options: ['ro', 'bind', 'size=1m'] }),
      'warning /mounts/0/options/2',
    ],
    [
      'a bind mount has options of mounts',
      mount({ source: '/s', options: ['bind', 'ro', 'nosuid', 'rprivate', 'rnoexec', 'sync'] }),
    ],
  ],
  'mount-copy-up': [
    ['a tmpfs is filled with what the image has', mount({ type: 'tmpfs', options: ['ro', 'tmpcopyup'] })],
    [
      'nothing else is',
      mount({ type: 'bind', source: '/a', options: ['rbind', 'tmpcopyup'] }),
      'error /mounts/0/options/1',
    ],
  ],
  'mount-id-mappings': [
    [
      'mappings of users go with mappings of groups',
      mount({ type: 'tmpfs', uidMappings: [range(0, 1, 1)], options: ['idmap'] }),
      'error /mounts/0',
    ],
    [
      'empty mappings are none',
      mount({ type: 'tmpfs', uidMappings: [], gidMappings: [range(0, 1, 1)], options: ['idmap'] }),
      'error /mounts/0',
    ],
    [
      'the ranges are such as the kernel takes',
      mount({
        type: 'tmpfs',
        uidMappings: [range(0, 1, 0)],
        gidMappings: [range(0, 1, 5), range(4, 100, 5)],
        options: ['idmap'],
      }),
      'error /mounts/0/uidMappings/0/size',
      'error /mounts/0/gidMappings/1',
    ],
    [
      'mappings without the option are warned of',
      mount({ type: 'tmpfs', uidMappings: [range(0, 1, 1)], gidMappings: [range(0, 1, 1)] }),
      'warning /mounts/0',
    ],
    ['the option needs mappings', mount({ type: 'tmpfs', options: ['idmap'] }), 'error /mounts/0'],
  ],
  'hook-paths': [
    [
      'the path of a hook is absolute',
      { hooks: { poststop: [{ path: '/a' }, { path: 'b' }], other: [{ path: 'c' }] } },
      'error /hooks/poststop/1/path',
    ],
  ],
  'annotation-names': [['an annotation has a name', { annotations: { '': 'x', y: '' } }, 'error /annotations/']],
  'namespaces-once': [['a type of namespace is given once', linux({}, 'ipc', 'pid'), 'error /linux/namespaces/3/type']],
  'namespace-paths': [
    [
      'the path of a namespace is absolute',
      {
        linux: {
          namespaces: [
            { type: 'mount', path: '' },
            { type: 'pid', path: 'x' },
          ],
        },
      },
      'error /linux/namespaces/1/path',
    ],
  ],
  'host-names': [
    [
      'the names of the host stay as they are',
      { hostname: 'h', domainname: 'd' },
      'error /hostname',
      'error /domainname',
    ],
    ['an empty name is none', { hostname: '' }],
    ['a namespace of its own makes the name its own', { hostname: 'h', ...linux({}, 'uts') }],
    [
      'the kernel takes 64 bytes',
      { hostname: 'h'.repeat(65), domainname: 'd'.repeat(64), ...linux({}, 'uts') },
      'error /hostname',
    ],
  ],
  'mount-namespace': [
    [
      'the mounts of the host stay as they are',
      {
        mounts: [{ destination: '/p', type: 'proc' }],
        linux: { maskedPaths: ['/a'], readonlyPaths: ['/b'], rootfsPropagation: 'slave' },
      },
      'error /mounts',
      'error /linux/maskedPaths',
      'error /linux/readonlyPaths',
      'error /linux/rootfsPropagation',
    ],
    ['empty lists change nothing', { mounts: [], linux: { maskedPaths: [], readonlyPaths: [] } }],
  ],
  'confined-paths': [
    [
      'masked and read-only paths are absolute',
      linux({ maskedPaths: ['/a', 'b'], readonlyPaths: ['../c'] }),
      'error /linux/maskedPaths/1',
      'error /linux/readonlyPaths/0',
    ],
  ],
  'time-offsets': [
    ['offsets need a time namespace', linux({ timeOffsets: { monotonic: { secs: 1 } } }), 'error /linux/timeOffsets'],
    [
      'a joined time namespace has its own',
      { linux: { namespaces: [{ type: 'mount' }, { type: 'time', path: '/t' }], timeOffsets: {} } },
      'error /linux/timeOffsets',
    ],
    [
      'nanoseconds stay below a second',
      linux({ timeOffsets: { boottime: { nanosecs: 1_000_000_000 } } }, 'time'),
      'error /linux/timeOffsets/boottime/nanosecs',
    ],
    ['null is no offsets', linux({ timeOffsets: null })],
    [
      'seconds are such that the kernel can count nanoseconds',
      linux({ timeOffsets: { monotonic: { secs: -9_223_372_037 }, boottime: { secs: 9_223_372_036 } } }, 'time'),
      'error /linux/timeOffsets/monotonic/secs',
    ],
    [
      'a time namespace has two clocks',
      linux({ timeOffsets: { realtime: { secs: 1 } } }, 'time'),
      'error /linux/timeOffsets/realtime',
    ],
  ],
  'network-devices': [
    [
      'interfaces need a network namespace to move to',
      linux({ netDevices: { eth0: {} } }),
      'warning /linux/netDevices',
    ],
    [
      'interfaces have names that the kernel takes',
      linux({ netDevices: { 'a/b': {}, eth0: { name: 'x'.repeat(16) }, eth1: { name: 'c%d' } } }, 'network'),
      'error /linux/netDevices/a~1b',
      'error /linux/netDevices/eth0/name',
    ],
    [
      'no two interfaces have one name',
      linux({ netDevices: { eth0: { name: 'a' }, a: {}, eth1: { name: 'b%d' }, eth2: { name: 'b%d' } } }, 'network'),
      'error /linux/netDevices/a',
    ],
  ],
  'mapped-ids': [
    ['root of the container is mapped', users([range(1, 1, 9)]), 'error /linux/uidMappings'],
    [
      'the user and the groups of the process are mapped',
      {
        ...users([range(0, 1000, 5)]),
        process: { cwd: '/', args: ['a'], user: { uid: 5, gid: 1, additionalGids: [0, 2] } },
      },
      'error /process/user/uid',
      'error /process/user/gid',
      'error /process/user/additionalGids/1',
    ],
    [
      'the last id of a range is mapped',
      { ...users([range(0, 1000, 6)]), process: { cwd: '/', args: ['a'], user: { uid: 5, gid: 0 } } },
    ],
    [
      'of a namespace that is joined nothing is known',
      {
        linux: { namespaces: [{ type: 'mount' }, { type: 'user', path: '/u' }] },
        process: { cwd: '/', args: ['a'], user: { uid: 5, gid: 7 } },
      },
    ],
  ],
  'mappings-need-user-namespace': [
    [
      'mappings need a user namespace',
      linux({ uidMappings: [range(0, 0, 1)], gidMappings: [range(0, 0, 1)] }),
      'error /linux/uidMappings',
      'error /linux/gidMappings',
    ],
    [
      'a new user namespace needs mappings',
      linux({ uidMappings: [range(0, 0, 1)] }, 'user'),
      'error /linux/gidMappings',
    ],
    ['a joined one has them', { linux: { namespaces: [{ type: 'mount' }, { type: 'user', path: '/u' }] } }],
  ],
  'mapping-ranges': [
    ['a range is not empty', users([range(0, 0, 0)]), 'error /linux/uidMappings/0/size'],
    ['a range ends within 32 bits', users([range(1, 4294967295, 2)]), 'error /linux/uidMappings/0'],
    [
      'ranges do not overlap in the container',
      users([range(0, 100, 10), range(9, 200, 1)]),
      'error /linux/uidMappings/1',
    ],
    ['ranges do not overlap on the host', users([range(0, 100, 10), range(50, 109, 1)]), 'error /linux/uidMappings/1'],
    ['ranges may touch', users([range(0, 100, 10), range(10, 110, 1)])],
    [
      'the kernel takes 340 ranges',
      users(Array.from({ length: 341 }, (_, index) => range(index, index, 1))),
      'error /linux/uidMappings',
    ],
    [
      'CVE-2021-43784: ranges that make more text than the kernel takes at once are refused',
      users([range(0, 0, 1), ...Array.from({ length: 300 }, (_, index) => range(1e6 + index * 2, 2e6 + index * 2, 1))]),
      'error /linux/uidMappings',
    ],
  ],
  devices: [
    ['the path of a device is absolute', linux({ devices: [{ type: 'p', path: 'x' }] }), 'error /linux/devices/0/path'],
    [
      'devices have numbers, pipes need none',
      linux({
        devices: [
          { type: 'c', path: '/a', major: 1 },
          { type: 'p', path: '/b' },
        ],
      }),
      'error /linux/devices/0',
    ],
    [
      'a mode may hold the type, as Podman leaves it in',
      linux({
        devices: [
          { type: 'p', path: '/a', fileMode: 8630 },
          { type: 'p', path: '/b', fileMode: 66666 },
        ],
      }),
      'error /linux/devices/1/fileMode',
    ],
    [
      'a path is made once',
      linux({
        devices: [
          { type: 'p', path: '/a' },
          { type: 'p', path: '/a' },
        ],
      }),
      'error /linux/devices/1/path',
    ],
  ],
  'device-rules': [
    [
      'a rule has a known type and known letters',
      linux({
        resources: {
          devices: [
            { allow: true, type: 'p' },
            { allow: true, type: 'a', access: 'rx' },
          ],
        },
      }),
      'error /linux/resources/devices/0/type',
      'warning /linux/resources/devices/1/access',
    ],
  ],
  'cpu-burst': [
    [
      'the burst is not above the quota',
      linux({ resources: { cpu: { quota: 1000, burst: 1001 } } }),
      'error /linux/resources/cpu/burst',
    ],
    ['without a quota it is free', linux({ resources: { cpu: { quota: -1, burst: 1 } } })],
  ],
  'memory-and-swap': [
    [
      'memory and swap together are not below memory',
      linux({ resources: { memory: { limit: 2, swap: 1 } } }),
      'error /linux/resources/memory/swap',
    ],
    ['swap may be without limit', linux({ resources: { memory: { limit: 2, swap: -1 } } })],
  ],
  'disk-weights': [
    [
      'an entry has a weight',
      linux({ resources: { blockIO: { weightDevice: [{ major: 1, minor: 1 }] } } }),
      'error /linux/resources/blockIO/weightDevice/0',
    ],
  ],
  rdma: [['an entry has a limit', linux({ resources: { rdma: { mlx: {} } } }), 'error /linux/resources/rdma/mlx']],
  'unified-files': [
    [
      'only files of the cgroup itself are written',
      linux({ resources: { unified: { '../x': '1', '..': '1', 'memory.max': '1' } } }),
      'error /linux/resources/unified/..~1x',
      'error /linux/resources/unified/..',
    ],
  ],
  'intel-rdt': [
    [
      'the class is one directory and schemas are lines',
      linux({ intelRdt: { closID: 'a/b', l3CacheSchema: 'L3:\n', schemata: ['ok', 'a\nb'] } }),
      'error /linux/intelRdt/closID',
      'error /linux/intelRdt/l3CacheSchema',
      'error /linux/intelRdt/schemata/1',
    ],
    ['the root is a class', linux({ intelRdt: { closID: '/' } })],
    ["the kernel's own directories are none", linux({ intelRdt: { closID: 'info' } }), 'error /linux/intelRdt/closID'],
  ],
  'memory-policy': [
    ['some modes need nodes', linux({ memoryPolicy: { mode: 'MPOL_BIND' } }), 'error /linux/memoryPolicy'],
    [
      'some modes forbid nodes',
      linux({ memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0' } }),
      'error /linux/memoryPolicy',
    ],
    ['one mode leaves it open', linux({ memoryPolicy: { mode: 'MPOL_PREFERRED' } })],
    [
      'nodes are a list of numbers that the kernel can have',
      linux({ memoryPolicy: { mode: 'MPOL_BIND', nodes: '0-9876543210' } }),
      'error /linux/memoryPolicy/nodes',
    ],
    [
      'nodes are static or relative',
      linux({
        memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] },
      }),
      'error /linux/memoryPolicy/flags',
    ],
  ],
  personality: [
    ['there are no flags', linux({ personality: { domain: 'LINUX', flags: ['x'] } }), 'error /linux/personality/flags'],
  ],
  sysctl: [
    [
      'parameters of the host are refused',
      linux({ sysctl: { 'kernel.core_pattern': '|x', 'vm.swappiness': '1' } }, 'network', 'ipc'),
      'error /linux/sysctl/kernel.core_pattern',
      'error /linux/sysctl/vm.swappiness',
    ],
    [
      'parameters need the namespace that they belong to',
      linux({
        sysctl: {
          'net.core.somaxconn': '1',
          'kernel.shmmax': '1',
          'fs.mqueue.msg_max': '1',
          'kernel.domainname': 'd',
          'user.max_user_namespaces': '0',
        },
      }),
      ...[
        'net.core.somaxconn',
        'kernel.shmmax',
        'fs.mqueue.msg_max',
        'kernel.domainname',
        'user.max_user_namespaces',
      ].map((name) => `error /linux/sysctl/${name}`),
    ],
    [
      'with it they are fine, dotted or with slashes',
      {
        ...linux(
          {
            sysctl: {
              'net.core.somaxconn': '1',
              'net/ipv4/conf/eth0.100/forwarding': '1',
              'kernel/shmmax': '1',
              'fs.mqueue.msg_max': '1',
              'kernel.domainname': 'd',
            },
          },
          'network',
          'ipc',
          'uts',
        ),
      },
    ],
    [
      'the host name has its own property',
      linux({ sysctl: { 'kernel.hostname': 'h' } }, 'uts'),
      'error /linux/sysctl/kernel.hostname',
    ],
    [
      'joining the own network namespace is having none',
      {
        linux: {
          namespaces: [{ type: 'mount' }, { type: 'network', path: '/proc/self/ns/net' }],
          sysctl: { 'net.core.somaxconn': '1' },
        },
      },
      'error /linux/sysctl/net.core.somaxconn',
    ],
    [
      'a value is one line',
      linux({ sysctl: { 'net.core.somaxconn': '1\n2' } }, 'network'),
      'error /linux/sysctl/net.core.somaxconn',
    ],
    ...[
      'net.../../kernel/core_pattern',
      'net/ipv4/../../kernel/x',
      'net.',
      '/net/x',
      'net..x',
      'net.a+b',
      'net.a\nb',
      'net',
      '',
    ].map((name): readonly [string, Change, string] => [
      `the name ${JSON.stringify(name)} leads astray`,
      linux({ sysctl: { [name]: '1' } }, 'network'),
      `error /linux/sysctl/${name.replaceAll('/', '~1')}`,
    ]),
  ],
  seccomp: [
    [
      'only some actions have an errno',
      linux({
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          defaultErrnoRet: 1,
          syscalls: [
            { names: ['x'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
            { names: ['x'], action: 'SCMP_ACT_KILL', errnoRet: 1 },
          ],
        },
      }),
      'error /linux/seccomp/defaultErrnoRet',
      'error /linux/seccomp/syscalls/1/errnoRet',
    ],
    [
      'an errno is one of the kernel',
      linux({ seccomp: { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4096 } }),
      'error /linux/seccomp/defaultErrnoRet',
    ],
    [
      'a system call has six arguments',
      linux({
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['x'], action: 'SCMP_ACT_LOG', args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }],
        },
      }),
      'error /linux/seccomp/syscalls/0/args/0/index',
    ],
    [
      'metadata and notifications need a listener',
      linux({ seccomp: { defaultAction: 'SCMP_ACT_NOTIFY', listenerMetadata: 'x' } }),
      'error /linux/seccomp/defaultAction',
      'error /linux/seccomp/listenerMetadata',
      'error /linux/seccomp',
    ],
    [
      'the agent can be asked about every call but write',
      linux({
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/agent',
          flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
          syscalls: [{ names: ['read', 'write'], action: 'SCMP_ACT_NOTIFY' }],
        },
      }),
      'error /linux/seccomp/syscalls/0/names/1',
    ],
    [
      'a flag about notifications needs some',
      linux({
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] },
      }),
      'error /linux/seccomp/flags/0',
    ],
  ],
};

for (const rule of RULES) {
  test(`${rule.name}: the rule has tests`, () =>
    assert.ok(TABLE[rule.name]?.some(([, , first]) => first !== undefined)));
  for (const [statement, change, ...expected] of TABLE[rule.name] ?? []) {
    test(`${rule.name}: ${statement}`, () => {
      const config: unknown = JSON.parse(JSON.stringify(configWith(change)));
      assert.ok(validateConfig(config), `breaks the schema already: ${JSON.stringify(validateConfig.errors)}`);
      const only = (name: string): boolean => name === rule.name;
      const violations = violationsOf(config as Config, 'linux', ({ name }) => !only(name));
      assert.deepEqual(places(violations), expected);
      for (const { message, spec } of violations) {
        assert.match(message, /[^.]$/);
        assert.match(spec ?? '', /^https:/);
      }
    });
  }
}

test('names of rules are unique', () => {
  assert.equal(new Set(RULES.map(({ name }) => name)).size, RULES.length);
});

test('the smallest config breaks no rule', () => {
  assert.deepEqual(violationsOf(MINIMAL, 'linux'), []);
});

test('a config is for Linux unless it has the section of another platform only', () => {
  assert.equal(platformOf({ ociVersion: '1.3.0' }), 'linux');
  assert.equal(platformOf({ ociVersion: '1.3.0', zos: {} }), 'other');
  assert.equal(platformOf({ ociVersion: '1.3.0', zos: {}, linux: {} }), 'linux');
});

test('the first separator of a kernel parameter decides what the others are', () => {
  assert.deepEqual(sysctlPath('net.ipv4.conf.eth0/100.forwarding'), ['net', 'ipv4', 'conf', 'eth0.100', 'forwarding']);
  assert.deepEqual(sysctlPath('net/ipv4/conf/eth0.100/forwarding'), ['net', 'ipv4', 'conf', 'eth0.100', 'forwarding']);
});
