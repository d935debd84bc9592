import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAPABILITIES, capabilitiesOf } from '../../linux/capabilities.ts';
import { ERRNO } from '../../linux/errno.ts';
import { ACTIONS, FLAGS } from '../../seccomp/names.ts';
import type { ControllerFacts, HostFacts } from './facts.ts';
import { lookAtHost } from './look.ts';
import { type HostReport, reportOn, reportText } from './report.ts';

const NAMES = ['mount', 'pid', 'network', 'ipc', 'uts', 'user', 'cgroup', 'time'];
const FILES = [
  'memory.max memory.low memory.swap.max cpu.weight cpu.max cpu.max.burst cpu.idle cpuset.cpus pids.max io.weight io.max',
  'hugetlb.2MB.max rdma.max cgroup.procs cgroup.freeze cpu.stat',
].flatMap((line) => line.split(' '));
const THERE: ControllerFacts = { version: 2, built: true, enabled: true, files: new Set(FILES) };
const CONTROLLERS = 'cpu cpuacct cpuset memory pids blkio hugetlb rdma devices freezer'.split(' ');

/** A host with cgroup v2 that can do all that a host can, and root on it. */
const GOOD: HostFacts = {
  kernel: '6.12.0',
  isRoot: true,
  capabilities: { effective: new Set(CAPABILITIES), bounding: new Set(CAPABILITIES) },
  calls: { openat2: ERRNO.EINVAL },
  namespaces: Object.fromEntries(NAMES.map((name) => [name, 0])),
  seccomp: {
    actions: new Set(Object.keys(ACTIONS)),
    flags: new Set(Object.keys(FLAGS)),
    notifies: true,
  } as HostFacts['seccomp'],
  sysctls: {},
  fileSystems: new Set(['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'overlay', 'resctrl']),
  securityModules: ['capability', 'apparmor', 'selinux'],
  hasAppArmor: true,
  hasSelinux: true,
  paths: new Set([
    '/run/systemd/system',
    '/run/dbus/system_bus_socket',
    '/sys/fs/resctrl/schemata',
    '/sys/fs/resctrl/mon_groups',
  ]),
  cgroups: {
    mode: 'v2',
    isWritable: true,
    controllers: Object.fromEntries(CONTROLLERS.map((name) => [name, THERE])),
  },
};

const report = (change: Partial<HostFacts>): HostReport => reportOn({ ...GOOD, ...change });
const ON_GOOD = report({}).missing;

/** What is missing on a good host with the change, beyond what even that can't do: `kind: reason` by what it is for. */
function missing(change: Partial<HostFacts>): Record<string, string> {
  const known = new Set(ON_GOOD.map(({ of }) => of.join()));
  const more = report(change).missing.filter(({ of }) => !known.has(of.join()));
  return Object.fromEntries(more.map(({ of, kind, reason }) => [of.join(', '), `${kind}: ${reason}`]));
}

test('a good host lacks only what cgroup v2 has not', () => {
  assert.ok(ON_GOOD.length > 4);
  for (const { reason } of ON_GOOD) assert.equal(reason, 'cgroup v2 has nothing like it');
});

test('a call that does not exist is told with the version or the option that brings it', () => {
  const { missing: all } = report({ calls: { mount_setattr: ERRNO.ENOSYS, keyctl: ERRNO.ENOSYS } });
  const found = all.filter(({ reason }) => reason.startsWith('the system call'));
  assert.deepEqual(
    found.map(({ kind, hint }) => [kind, hint?.split(',')[0]]),
    [
      ['kernel', 'Linux 5.12'],
      ['option', 'a kernel with CONFIG_KEYS'],
    ],
  );
});

test('EPERM means a filter, but not for calls that want a privilege first', () => {
  const calls = { openat2: ERRNO.EPERM, fsopen: ERRNO.EPERM };
  assert.equal(Object.values(missing({ calls })).length, 1);
  const capabilities = { effective: new Set<never>(), bounding: GOOD.capabilities.bounding };
  const found = report({ calls, capabilities }).missing.filter(({ reason }) => reason.startsWith('the system call'));
  assert.deepEqual(
    found.map(({ reason }) => reason),
    ['the system call openat2 is refused with EPERM, whatever it is asked'],
  );
});

test('a namespace that can not be made is told with the option, the sysctl or the privilege that it wants', () => {
  const with_ = (namespaces: HostFacts['namespaces'], more: Partial<HostFacts> = {}): string =>
    Object.values(missing({ namespaces: { ...GOOD.namespaces, ...namespaces }, ...more })).join();
  const { time: _, ...withoutTime } = GOOD.namespaces;
  assert.match(Object.values(missing({ namespaces: withoutTime })).join(), /option: the kernel has no time namespaces/);
  const sysctls = { 'user.max_net_namespaces': '0' };
  assert.match(with_({ network: ERRNO.ENOSPC }, { sysctls }), /sysctl: .*user\.max_net_namespaces is 0/);
  assert.match(with_({ user: ERRNO.EPERM }), /privilege: .*EPERM/);
  const user: Partial<HostFacts> = {
    isRoot: false,
    capabilities: { effective: new Set(), bounding: GOOD.capabilities.bounding },
    sysctls: { 'kernel.unprivileged_userns_clone': '0' },
  };
  assert.match(with_({ user: ERRNO.EPERM }, user), /sysctl: .*kernel\.unprivileged_userns_clone is 0/);
});

test('a controller that can not be used is told apart: not built, switched off, not mounted, or without the file', () => {
  const pids = (facts: ControllerFacts): string | undefined =>
    missing({ cgroups: { ...GOOD.cgroups, controllers: { ...GOOD.cgroups.controllers, pids: facts } } })[
      'linux.resources.pids.limit'
    ];
  assert.match(pids({ built: false, enabled: true }) ?? '', /^option: the kernel has no controller pids/);
  assert.match(pids({ built: true, enabled: false }) ?? '', /^boot: the controller pids was switched off/);
  assert.match(pids({ built: true, enabled: true }) ?? '', /^mount: the controller pids is in no hierarchy/);
  assert.match(pids({ ...THERE, files: new Set() }) ?? '', /^option: the controller pids has no pids\.max/);
  assert.equal(pids({ version: 2, built: true, enabled: true }), undefined);
});

test('no control groups at all, a cgroup that is not ours, and version 1 are told', () => {
  const { cgroups } = GOOD;
  assert.match(Object.values(missing({ cgroups: { ...cgroups, mode: 'none' } })).join(), /mount: no control group/);
  assert.match(Object.values(missing({ cgroups: { ...cgroups, isWritable: false } })).join(), /may not make cgroups/);
  assert.ok('linux.resources.unified' in missing({ cgroups: { ...cgroups, mode: 'v1' } }));
});

test('capabilities, security modules, file systems, resctrl, memory files and systemd are looked at', () => {
  const without = (name: (typeof CAPABILITIES)[number]) => new Set(CAPABILITIES.filter((other) => other !== name));
  const found = missing({
    capabilities: { effective: without('CAP_MKNOD'), bounding: without('CAP_SYS_TIME') },
    securityModules: ['capability'],
    hasAppArmor: false,
    hasSelinux: false,
    fileSystems: new Set(['proc', 'sysfs', 'tmpfs', 'devpts', 'overlay', 'resctrl']),
    paths: new Set(),
    sysctls: { 'vm.memfd_noexec': '2' },
  });
  assert.deepEqual(
    Object.entries(found).map(([of, text]) => `${of} ${text.split(':')[0]}`),
    [
      'linux.devices without a user namespace capability',
      'process.capabilities with CAP_SYS_TIME capability',
      'mounts of type mqueue module',
      'process.apparmorProfile lsm',
      'process.selinuxLabel, linux.mountLabel lsm',
      'linux.intelRdt mount',
      'linux.intelRdt.enableMonitoring mount',
      'init in a memory file sysctl',
      '--systemd-cgroup file',
    ],
  );
});

test('what of seccomp is younger than the kernel is told by its name', () => {
  const seccomp = { ...GOOD.seccomp, notifies: false, flags: new Set<never>() };
  const found = Object.keys(missing({ seccomp }));
  assert.ok(found.includes('linux.seccomp with SCMP_ACT_NOTIFY'));
  assert.ok(found.includes('linux.seccomp with SECCOMP_FILTER_FLAG_LOG'));
});

test('the text has a paragraph for each, and counts', () => {
  const text = reportText(report({ fileSystems: new Set() }));
  assert.match(text, /^Linux 6\.12\.0, cgroup v2, as root: \d+ of \d+ things that were looked at work\.\n/);
  assert.match(text, /\n\nmounts of type proc\n {2}module: .*\n {2}what helps: modprobe proc/);
});

test('a mask of capabilities is read as the kernel writes it', () => {
  assert.deepEqual([...capabilitiesOf('0000000000200001')], ['CAP_CHOWN', 'CAP_SYS_ADMIN']);
  assert.equal(capabilitiesOf('1ffffffffff').size, CAPABILITIES.length);
});

test('this very host can be looked at, and runs containers', () => {
  const facts = lookAtHost();
  assert.ok(facts.fileSystems.has('proc'));
  assert.ok(Object.keys(facts.calls).length > 10);
  const { works, missing: lacks } = reportOn(facts);
  assert.ok(works.length > 20, `${works.length}`);
  for (const { reason, of } of lacks) assert.ok(reason.length > 10 && of.length > 0);
});
