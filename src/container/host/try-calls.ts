// What the kernel says when it is asked: system calls with arguments that no call takes, and namespaces made by processes
// that end at once. Nothing of it changes the host.

import { createPlanBuilder } from '../../init/builder.ts';
import { encodeImage } from '../../init/image.ts';
import type { Plan } from '../../init/plan.ts';
import { ERRNO } from '../../linux/errno.ts';
import { executableInMemory } from '../../linux/memfd.ts';
import { NAMESPACES, type NamespaceType } from '../../linux/namespaces.ts';
import { spawn, waitForChild } from '../../linux/spawn.ts';
import { type Argument, syscall } from '../../linux/syscall.ts';
import type { SyscallName } from '../../linux/syscall-numbers.ts';
import { ACTIONS, FLAGS, NEW_LISTENER } from '../../seccomp/names.ts';
import type { SeccompAction, SeccompFlag } from '../../spec/generated/types.ts';
import type { HostFacts } from './facts.ts';

const NONE = 0xffffffff;
const SCHEDULER_ATTRIBUTES = 48;

/** Each call with a descriptor, a flag or a size that there is none of; or one that only tells something of the caller. */
const HARMLESS: Readonly<Partial<Record<SyscallName, readonly Argument[]>>> = {
  clone3: [null, 0],
  openat2: [-1, '', null, 0],
  open_tree: [-1, '', NONE],
  move_mount: [-1, '', -1, '', NONE],
  fsopen: ['', NONE],
  fsconfig: [-1, NONE, null, null, 0],
  fsmount: [-1, NONE, 0],
  mount_setattr: [-1, '', NONE, null, 0],
  pidfd_open: [0, 0],
  pidfd_send_signal: [-1, 0, null, 0],
  pidfd_getfd: [-1, 0, 0],
  close_range: [1, 0, 0],
  memfd_create: ['', NONE],
  seccomp: [NONE, 0, null],
  keyctl: [NONE],
  bpf: [NONE, null, 0],
  get_mempolicy: [null, null, 0, null, 0],
  sched_getattr: [0, new Uint8Array(SCHEDULER_ATTRIBUTES), SCHEDULER_ATTRIBUTES, 0],
  ioprio_get: [1, 0],
  personality: [NONE],
};

/** The errno of each call; 0 where it succeeded. */
export function triedCalls(): HostFacts['calls'] {
  const errnos: Partial<Record<SyscallName, number>> = {};
  for (const [name, args] of Object.entries(HARMLESS) as [SyscallName, readonly Argument[]][]) {
    errnos[name] = Math.max(0, -syscall(name, ...args));
  }
  return errnos;
}

const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_GET_ACTION_AVAIL = 2;
const SECCOMP_GET_NOTIF_SIZES = 3;

/** A filter at no address is refused only after its flags were looked at: with EFAULT where they are known. */
export function triedSeccomp(): HostFacts['seccomp'] {
  const isAvailable = (value: number): boolean => {
    const action = Buffer.alloc(4);
    action.writeUInt32LE(value, 0);
    return syscall('seccomp', SECCOMP_GET_ACTION_AVAIL, 0, action) === 0;
  };
  const actions = (Object.keys(ACTIONS) as SeccompAction[]).filter((name) => isAvailable(ACTIONS[name]));
  const isFlag = (name: SeccompFlag): boolean => {
    // It is about a listener, and refused without one.
    const flags = name === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' ? FLAGS[name] | NEW_LISTENER : FLAGS[name];
    return syscall('seccomp', SECCOMP_SET_MODE_FILTER, flags, null) === -ERRNO.EFAULT;
  };
  return {
    actions: new Set(actions),
    flags: new Set((Object.keys(FLAGS) as SeccompFlag[]).filter(isFlag)),
    notifies: syscall('seccomp', SECCOMP_GET_NOTIF_SIZES, 0, Buffer.alloc(8)) === 0,
  };
}

/** A process of its own for each: unshare(2) would change us, and a process with threads can't enter a user namespace. */
export function triedNamespaces(kinds: readonly NamespaceType[], isPrivileged: boolean): HostFacts['namespaces'] {
  const errnos: Partial<Record<NamespaceType, number>> = {};
  for (const kind of kinds) {
    const { flag } = NAMESPACES[kind];
    errnos[kind] = outcomeOf(unsharing(isPrivileged ? flag : flag | NAMESPACES.user.flag));
  }
  return errnos;
}

/** Ends with the errno as its exit status: its low 8 bits, of the negative number, which all that unshare(2) gives fit. */
function unsharing(flags: number): Plan {
  const plan = createPlanBuilder();
  const failed = plan.label();
  plan.step({ sentence: 'make a namespace' }, () => {
    plan.withSlot((result) => {
      plan.call('unshare', [flags], { result, ignoreErrors: true });
      plan.call('exit_group', [plan.slotRef(result)]);
    });
    plan.place(failed);
    plan.call('exit_group', [1]);
  });
  return plan.finish(failed);
}

function outcomeOf(plan: Plan): number {
  const image = encodeImage(plan, process.arch === 'arm64' ? 'arm64' : 'x64');
  const fd = executableInMemory('runt:probe', image, '/tmp');
  try {
    const pid = spawn({ path: `/proc/self/fd/${fd}`, args: ['runt'], env: [] });
    const status = pid < 0 ? undefined : waitForChild(pid);
    if (status === undefined || !('exited' in status)) return ERRNO.EPERM;
    return status.exited === 0 ? 0 : 256 - status.exited;
  } finally {
    syscall('close', fd);
  }
}
