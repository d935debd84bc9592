// From facts to abilities: system calls, namespaces, security, file systems. Pure.

import { CAPABILITIES, type CapabilityName } from '../../linux/capabilities.ts';
import { ERRNO, errnoName } from '../../linux/errno.ts';
import { NAMESPACES, type NamespaceType } from '../../linux/namespaces.ts';
import type { SyscallName } from '../../linux/syscall-numbers.ts';
import { ACTIONS, FLAGS } from '../../seccomp/names.ts';
import type { SeccompAction, SeccompFlag } from '../../spec/generated/types.ts';
import type { Ability, HostFacts, Lack } from './facts.ts';
import { PATHS } from './look.ts';

const ALL = 'every container';

/** What is asked for, by which call, and since when there is one: a version, or what the kernel is built with. */
const CALLS: readonly (readonly [of: readonly string[], call: SyscallName, since: string])[] = [
  [[ALL], 'clone3', '5.3'],
  [[ALL], 'openat2', '5.6'],
  [[ALL], 'open_tree', '5.2'],
  [[ALL], 'move_mount', '5.2'],
  [[ALL], 'fsopen', '5.2'],
  [[ALL], 'fsconfig', '5.2'],
  [[ALL], 'fsmount', '5.2'],
  [[ALL], 'mount_setattr', '5.12'],
  [[ALL], 'pidfd_open', '5.3'],
  [[ALL], 'pidfd_send_signal', '5.1'],
  [[ALL], 'close_range', '5.9'],
  [[ALL], 'memfd_create', 'CONFIG_MEMFD_CREATE'],
  [['linux.seccomp.listenerPath'], 'pidfd_getfd', '5.6'],
  [['linux.seccomp'], 'seccomp', 'CONFIG_SECCOMP_FILTER'],
  [['a session keyring of its own (without --no-new-keyring)'], 'keyctl', 'CONFIG_KEYS'],
  [['linux.memoryPolicy'], 'get_mempolicy', 'CONFIG_NUMA'],
  [['process.scheduler'], 'sched_getattr', '3.14'],
  [['process.ioPriority'], 'ioprio_get', 'CONFIG_BLOCK'],
  [['linux.personality'], 'personality', '2.6'],
];
/** Calls that answer a caller without CAP_SYS_ADMIN before they look at anything. */
const PRIVILEGED: ReadonlySet<SyscallName> = new Set(['move_mount', 'fsopen', 'fsmount', 'mount_setattr', 'bpf']);

export function callAbilities({ calls, kernel, capabilities }: HostFacts): readonly Ability[] {
  return CALLS.map(([of, call, since]) => {
    const errno = calls[call] ?? 0;
    if (errno === ERRNO.ENOSYS) return { of, lack: missingCall(call, since, kernel) };
    const isRefused = errno === ERRNO.EPERM && !(PRIVILEGED.has(call) && !capabilities.effective.has('CAP_SYS_ADMIN'));
    if (!isRefused) return { of };
    const reason = `the system call ${call} is refused with EPERM, whatever it is asked`;
    return {
      of,
      lack: { kind: 'privilege', reason, hint: 'a seccomp filter holds for the caller, as in a container' },
    };
  });
}

function missingCall(call: SyscallName, since: string, kernel: string): Lack {
  const reason = `the system call ${call} does not exist (Linux ${kernel})`;
  if (since.startsWith('CONFIG_')) return { kind: 'option', reason, hint: `a kernel with ${since}` };
  return { kind: 'kernel', reason, hint: `Linux ${since}, or a caller whose seccomp filter knows the call` };
}

const NAMESPACE_OPTIONS: Readonly<Record<NamespaceType, string>> = {
  pid: 'CONFIG_PID_NS',
  network: 'CONFIG_NET_NS',
  mount: 'any configuration',
  ipc: 'CONFIG_IPC_NS',
  uts: 'CONFIG_UTS_NS',
  user: 'CONFIG_USER_NS',
  cgroup: 'CONFIG_CGROUPS',
  time: 'CONFIG_TIME_NS (Linux 5.6)',
};

export function namespaceAbilities(facts: HostFacts): readonly Ability[] {
  return (Object.keys(NAMESPACES) as NamespaceType[]).map((kind) => {
    const of = [`linux.namespaces of type ${kind}`, ...(kind === 'time' ? ['linux.timeOffsets'] : [])];
    const errno = facts.namespaces[kind];
    if (errno === 0) return { of };
    return { of, lack: namespaceLack(kind, errno, facts) };
  });
}

function namespaceLack(kind: NamespaceType, errno: number | undefined, { sysctls, capabilities }: HostFacts): Lack {
  if (errno === undefined || errno === ERRNO.EINVAL) {
    const reason = `the kernel has no ${kind} namespaces`;
    return { kind: 'option', reason, hint: `a kernel with ${NAMESPACE_OPTIONS[kind]}` };
  }
  const limit = `user.max_${NAMESPACES[kind].file}_namespaces`;
  if (errno === ERRNO.ENOSPC) {
    const reason = `no more ${kind} namespaces may be made: ${limit} is ${sysctls[limit] ?? 'reached'}`;
    return { kind: 'sysctl', reason, hint: `sysctl -w ${limit}=…` };
  }
  const reason = `a ${kind} namespace can't be made: ${errnoName(errno)}`;
  if (!capabilities.effective.has('CAP_SYS_ADMIN')) {
    const switches = [
      ['kernel.unprivileged_userns_clone', '0', '1'],
      ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
    ] as const;
    const [name, , wanted] = switches.find(([name, forbids]) => sysctls[name] === forbids) ?? [];
    if (name !== undefined) {
      return {
        kind: 'sysctl',
        reason: `${reason}, since ${name} is ${sysctls[name]}`,
        hint: `sysctl -w ${name}=${wanted}`,
      };
    }
  }
  return { kind: 'privilege', reason, hint: 'CAP_SYS_ADMIN, and no seccomp filter or security module that forbids it' };
}

/** What of seccomp depends on the kernel's age. */
const SINCE: Readonly<Record<string, string>> = {
  SCMP_ACT_KILL_PROCESS: '4.14',
  SCMP_ACT_LOG: '4.14',
  SCMP_ACT_NOTIFY: '5.0',
  SECCOMP_FILTER_FLAG_LOG: '4.14',
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: '4.17',
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: '5.19',
};

export function seccompAbilities({ seccomp, calls }: HostFacts): readonly Ability[] {
  // Said once, of linux.seccomp as a whole.
  if (calls.seccomp === ERRNO.ENOSYS || calls.seccomp === ERRNO.EPERM) return [];
  const ability = (name: string, isThere: boolean): Ability => {
    const of = [`linux.seccomp with ${name}`];
    if (isThere) return { of };
    const hint = `Linux ${SINCE[name] ?? '3.17'}`;
    return { of, lack: { kind: 'kernel', reason: `the kernel does not know ${name}`, hint } };
  };
  return [
    ...(Object.keys(ACTIONS) as SeccompAction[]).map((name) =>
      ability(name, seccomp.actions.has(name) && (name !== 'SCMP_ACT_NOTIFY' || seccomp.notifies)),
    ),
    ...(Object.keys(FLAGS) as SeccompFlag[]).map((name) => ability(name, seccomp.flags.has(name))),
  ];
}

/** Capabilities of the caller without which a field can't be honoured. */
const CALLERS: readonly (readonly [of: readonly string[], capability: CapabilityName, why: string])[] = [
  [['a container without a user namespace'], 'CAP_SYS_ADMIN', 'namespaces and mounts of the host'],
  [['linux.devices without a user namespace'], 'CAP_MKNOD', 'device nodes'],
  [['process.rlimits above those of the caller'], 'CAP_SYS_RESOURCE', 'raising a hard limit'],
  [['process.oomScoreAdj below that of the caller'], 'CAP_SYS_RESOURCE', 'lowering the score'],
  [['linux.netDevices'], 'CAP_NET_ADMIN', 'moving an interface'],
  [
    ['process.scheduler with a real-time policy', 'process.ioPriority of class IOPRIO_CLASS_RT'],
    'CAP_SYS_NICE',
    'real time',
  ],
];

export function privilegeAbilities({ capabilities, isRoot, paths }: HostFacts): readonly Ability[] {
  const abilities: Ability[] = CALLERS.map(([of, name, why]) => {
    if (capabilities.effective.has(name)) return { of };
    const reason = `the caller has no ${name}, which is needed for ${why}`;
    return { of, lack: { kind: 'capability', reason, ...(isRoot ? {} : { hint: 'root has it' }) } };
  });
  const missing = CAPABILITIES.filter((name) => !capabilities.bounding.has(name));
  const of = ['process.capabilities'];
  const reason = 'the caller does not have them in its own bounding set, and can not pass them on';
  const lacking = [`process.capabilities with ${missing.join(', ')}`];
  abilities.push(missing.length === 0 ? { of } : { of: lacking, lack: { kind: 'capability', reason } });
  if (!isRoot) {
    const tools = [PATHS.newuidmap, PATHS.newgidmap].filter((path) => !paths.has(path));
    abilities.push({
      of: ['linux.uidMappings and linux.gidMappings of more than the own ids'],
      ...(tools.length === 0
        ? {}
        : { lack: { kind: 'file', reason: `there is no ${tools.join(', no ')}`, hint: 'the package uidmap' } }),
    });
  }
  return abilities;
}

const TYPES: readonly (readonly [type: string, option: string])[] = [
  ['proc', 'CONFIG_PROC_FS'],
  ['sysfs', 'CONFIG_SYSFS'],
  ['tmpfs', 'CONFIG_TMPFS'],
  ['devpts', 'CONFIG_UNIX98_PTYS'],
  ['mqueue', 'CONFIG_POSIX_MQUEUE'],
  ['overlay', 'CONFIG_OVERLAY_FS'],
];

export function fileSystemAbilities({ fileSystems }: HostFacts): readonly Ability[] {
  return TYPES.map(([type, option]) => {
    const of = [`mounts of type ${type}`];
    if (fileSystems.has(type)) return { of };
    const reason = `the kernel has no file system ${type} at this moment`;
    return { of, lack: { kind: 'module', reason, hint: `modprobe ${type}, or a kernel with ${option}` } };
  });
}

export function securityAbilities(facts: HostFacts): readonly Ability[] {
  const { securityModules, hasAppArmor, hasSelinux, paths, fileSystems, sysctls } = facts;
  const seen =
    securityModules === undefined
      ? 'there is no trace of it'
      : `the security modules are ${securityModules.join(', ')}`;
  const lsm = (name: string, boot: string): Lack => ({
    kind: 'lsm',
    reason: `${name} is not in force: ${seen}`,
    hint: `a kernel with ${name}, started with ${boot}`,
  });
  const has = (name: string): boolean => securityModules?.includes(name) === true;
  const isExecutable = sysctls['vm.memfd_noexec'] !== '2';
  const noSystemd = {
    kind: 'file',
    reason: `systemd does not run here: there is no ${PATHS.systemd}`,
    hint: 'leave --systemd-cgroup out',
  } as const;
  const bus = paths.has(PATHS.systemdBus) || paths.has(PATHS.bus);
  const noBus = { kind: 'file', reason: `systemd can't be reached: there is no ${PATHS.bus}` } as const;
  return [
    {
      of: ['process.apparmorProfile'],
      ...(hasAppArmor || has('apparmor') ? {} : { lack: lsm('AppArmor', 'lsm=…,apparmor') }),
    },
    {
      of: ['process.selinuxLabel', 'linux.mountLabel'],
      ...(hasSelinux || has('selinux') ? {} : { lack: lsm('SELinux', 'lsm=…,selinux') }),
    },
    { of: ['linux.intelRdt'], ...resctrlLack(facts) },
    {
      of: ['linux.intelRdt.enableMonitoring'],
      ...(paths.has(PATHS.resctrlMonitoring) || !fileSystems.has('resctrl') || !paths.has(PATHS.resctrl)
        ? resctrlLack(facts)
        : { lack: { kind: 'option', reason: 'the processor can not monitor what a class uses' } as const }),
    },
    {
      of: ['init in a memory file'],
      ...(isExecutable
        ? {}
        : {
            lack: {
              kind: 'sysctl',
              reason: 'memory files may not be executed: vm.memfd_noexec is 2; init lies in the state directory',
              hint: 'sysctl -w vm.memfd_noexec=1, or a state directory on a file system without noexec',
            } as const,
          }),
    },
    { of: ['--systemd-cgroup'], ...(!paths.has(PATHS.systemd) ? { lack: noSystemd } : bus ? {} : { lack: noBus }) },
  ];
}

function resctrlLack({ fileSystems, paths }: HostFacts): { readonly lack?: Lack } {
  if (paths.has(PATHS.resctrl)) return {};
  if (fileSystems.has('resctrl')) {
    const reason = 'resctrl is not mounted';
    return { lack: { kind: 'mount', reason, hint: 'mount -t resctrl resctrl /sys/fs/resctrl' } };
  }
  const reason = 'the kernel has no file system resctrl: it is not built with it, or the processor has no such thing';
  return { lack: { kind: 'option', reason, hint: 'CONFIG_X86_CPU_RESCTRL, and a processor with RDT or QoS' } };
}
