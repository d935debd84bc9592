// Where a user namespace is joined, the launcher gives up its rights on the host before there is a mount namespace of init's to copy trees in
// (user-namespace.ts says why it has to be that one). So it first clones a process that keeps them, and shares its descriptors. That waits for
// init, enters its mount namespace, and copies.

import type { DataRef, Slot } from '../plan.ts';
import type { LaunchContext } from './context.ts';
import { copyTreesForInit } from './user-namespace.ts';

const CLONE_FILES = 0x400;
const SIGCHLD = 17;
const SIGKILL = 9;
const PR_SET_PDEATHSIG = 1;
const O_CLOEXEC = 0o2000000;

export interface TreeCopier {
  readonly pid: Slot;
  /** Both ends of a pipe: the number of init's pidfd goes through it. */
  readonly pipe: DataRef;
}

/** undefined: the launcher keeps its rights, or has none. */
export function startTreeCopier(context: LaunchContext): TreeCopier | undefined {
  const { plan, inputs } = context;
  const { userNamespace } = inputs;
  if (userNamespace?.kind !== 'joined' || userNamespace.treesBy !== 'launcher') return undefined;
  const pipe = plan.variable(8, '{pipe}');
  const pid = plan.slot('the process that copies trees');
  const launcher = plan.slot("the launcher's pid");
  const isLauncher = plan.label();
  plan.step({ sentence: 'start a process that copies mount sources with the rights that it has on the host' }, () => {
    plan.call('pipe2', [pipe, plan.value(O_CLOEXEC, 'O_CLOEXEC')]);
    plan.call('getpid', [], { result: launcher });
    const args = Buffer.alloc(88);
    args.writeBigUInt64LE(BigInt(CLONE_FILES), 0);
    args.writeBigUInt64LE(BigInt(SIGCHLD), 32);
    const text = '{flags=CLONE_FILES, exit_signal=SIGCHLD}';
    plan.call('clone3', [plan.constant(args, text), args.length], { result: pid });
  });
  plan.branch(pid, 'notEqual', 0, isLauncher);
  copy(context, pipe, launcher);
  plan.place(isLauncher);
  plan.free(launcher);
  return { pid, pipe };
}

function copy(context: LaunchContext, pipe: DataRef, launcher: Slot): void {
  const { plan } = context;
  const pidfd = plan.variable(8, '{pidfd}');
  plan.step({ sentence: 'wait until init is there' }, () => {
    // It must not outlive the launcher: nobody else would end it.
    plan.call('prctl', [plan.value(PR_SET_PDEATHSIG, 'PR_SET_PDEATHSIG'), SIGKILL, 0, 0, 0]);
    plan.withSlot((value) => {
      const alive = plan.label();
      plan.call('getppid', [], { result: value });
      plan.branch(value, 'equal', plan.slotRef(launcher), alive);
      plan.call('exit_group', [1]);
      plan.place(alive);
      plan.load(value, pipe, 4);
      plan.call('read', [plan.slotRef(value), pidfd, 4]);
    });
  });
  copyTreesForInit(context, pidfd);
  plan.step({ sentence: 'end: all is copied' }, () => plan.call('exit_group', [0]));
}

/** The launcher, when init is there. */
export function waitForTreeCopier({ plan }: LaunchContext, { pid, pipe }: TreeCopier, pidfd: DataRef): void {
  plan.step({ sentence: 'wait until mount sources are copied' }, () => {
    const status = plan.variable(8, '{status}');
    const copied = plan.label();
    plan.withSlot((value) => {
      plan.load(value, plan.addressOf(pipe, 4), 4);
      plan.call('write', [plan.slotRef(value), pidfd, 4]);
      plan.call('wait4', [plan.slotRef(pid), status, 0, 0]);
      plan.load(value, status, 4);
      plan.branch(value, 'equal', 0, copied);
    });
    // It has told what failed.
    plan.call('exit_group', [1]);
    plan.place(copied);
  });
  plan.free(pid);
}
