// Hooks that run in the container's namespaces: init clones a child that executes the hook, and waits for it.
// createContainer before the root is changed, with paths of the host; startContainer after, with paths of the container.

import { pointer } from '../../json-pointer.ts';
import { ERRNO } from '../../linux/errno.ts';
import type { Hook } from '../../spec/generated/types.ts';
import type { Argument } from '../builder.ts';
import { environmentOf } from '../environment.ts';
import { HOOK_MARK, MESSAGE } from '../messages.ts';
import type { DataRef, Slot, SlotRef } from '../plan.ts';
import { descriptor, numberBytes, type StepContext, send } from './context.ts';

const CLONE_PIDFD = 0x1000;
const SIGCHLD = 17;
const SIGKILL = 9;
const PIDFD_SIGNAL_PROCESS_GROUP = 4;
const CLOSE_RANGE_CLOEXEC = 4;
const P_PIDFD = 3;
/** Seconds. A timespec holds as many as a config can have, but not what a double makes of the largest. */
const LONGEST_TIMEOUT = 2 ** 53;
const WEXITED = 4;
const POLLIN = 1;
const CLD_EXITED = 1;
/** Offsets in siginfo_t, the same on all 64-bit machines. */
const SI_CODE = 8;
const SI_STATUS = 24;

export type InitHookKind = 'createContainer' | 'startContainer';

/**
 * The runtime's own hooks come first: tell it that it is their turn, and wait. Also where only init has hooks: the state that they read
 * holds init's pid, which only the runtime knows.
 */
export function waitForRuntimeHooks(context: StepContext): void {
  const { plan, inputs, report } = context;
  if (inputs.hooks === undefined) return;
  plan.step({ sentence: "wait for the runtime's hooks", pointer: '/hooks' }, () => {
    send(context, 'hooks', MESSAGE.hooks);
    waitForGo(context, plan.slotRef(report));
  });
}

/** Goes on when the runtime has answered; ends when it is gone. */
export function waitForGo({ plan }: Pick<StepContext, 'plan'>, channel: Argument): void {
  const answer = plan.variable(8, '{answer}');
  const go = plan.label();
  plan.withSlot((length) => {
    // read, not recvfrom: a seccomp filter may be there already, and read is what no profile leaves out.
    plan.call('read', [channel, answer, 8], { result: length });
    plan.branch(length, 'greaterOrEqual', 1, go);
  });
  plan.call('exit_group', [1]);
  plan.place(go);
}

/** `filtered`: the seccomp filter is in force already, and the descriptors are marked close-on-exec. */
export function runHooks(context: StepContext, kind: InitHookKind, filtered = false): void {
  const { plan, config } = context;
  const hooks = config.hooks?.[kind] ?? [];
  hooks.forEach((hook, index) => {
    const step = { sentence: `run ${kind} hook #${index}: ${hook.path}`, pointer: pointer('hooks', kind, index) };
    plan.step(step, () => runHook(context, kind, hook, filtered));
  });
}

function runHook(context: StepContext, kind: InitHookKind, hook: Hook, filtered: boolean): void {
  const { plan, inputs } = context;
  if (inputs.hooks === undefined) return;
  const state = descriptor(plan, inputs.hooks.state);
  const output = descriptor(plan, inputs.hooks.output);
  const pidfd = plan.variable(8, '{pidfd}');
  const parent = plan.label();
  const pid = plan.slot('the pid of a hook');
  const mark = plan.constant(Buffer.from(HOOK_MARK), JSON.stringify(HOOK_MARK), 1);
  plan.call('write', [output, mark, HOOK_MARK.length], { ignoreErrors: true });
  // Each hook reads the state from its start; child and parent share the offset.
  plan.call('lseek', [state, 0, plan.value(0, 'SEEK_SET')]);
  // clone, not clone3, whose flags a seccomp filter can't see: the usual profiles answer it with ENOSYS.
  plan.call('clone', [plan.value(CLONE_PIDFD | SIGCHLD, 'CLONE_PIDFD|SIGCHLD'), 0, pidfd, 0, 0], { result: pid });
  plan.branch(pid, 'notEqual', 0, parent);
  plan.call('setsid', []);
  // As in runc: such a hook is a program of the host's, and means the container's root by a relative path.
  if (kind === 'createContainer') plan.call('fchdir', [context.root]);
  plan.call('dup3', [state, 0, 0]);
  plan.call('dup3', [output, 1, 0]);
  plan.call('dup3', [output, 2, 0]);
  if (!filtered) {
    const flag = plan.value(CLOSE_RANGE_CLOEXEC, 'CLOSE_RANGE_CLOEXEC');
    plan.call('close_range', [3, plan.value(0xffffffff, '~0'), flag]);
  } else {
    // All others were marked before the filter was there.
    for (let fd = 3; fd < 3 + inputs.preserveFds; fd++) plan.call('close', [fd], { ignoreErrors: true });
  }
  const argv = (hook.args ?? [hook.path]).map((text) => plan.string(text));
  // runc's startContainer hooks have always had the environment of the program where they have none of their own.
  const inherited = kind === 'startContainer' ? environmentOf(inputs) : [];
  const envp = (hook.env ?? inherited).map((text) => plan.string(text));
  plan.call('execve', [hook.path, plan.pointers([...argv, null], '[args]'), plan.pointers([...envp, null], '[env]')]);
  plan.place(parent);
  waitForHook(context, hook, pid, pidfd);
  plan.free(pid);
}

function waitForHook(context: StepContext, hook: Hook, pid: Slot, pidfd: DataRef): void {
  const { plan } = context;
  const ended = plan.label();
  plan.withSlot((fd) => {
    plan.load(fd, pidfd, 4);
    if (hook.timeout !== undefined) {
      const poll = Buffer.alloc(8);
      poll.writeInt16LE(POLLIN, 4);
      const polled = plan.variable(poll, '{pidfd, POLLIN}');
      const time = Buffer.alloc(16);
      time.writeBigInt64LE(BigInt(Math.min(hook.timeout, LONGEST_TIMEOUT)), 0);
      // ppoll writes what is left of the time back: variable data.
      const timeout = plan.variable(time, `{${hook.timeout}s}`);
      plan.store(fd, polled, 4);
      plan.withSlot((ready) => {
        plan.call('ppoll', [polled, 1, timeout, 0, 0], { result: ready });
        plan.branch(ready, 'notEqual', 0, ended);
      });
      const alone = plan.label();
      const told = plan.label();
      // Its whole process group where the kernel (6.9) can, by a descriptor that means this process and no other.
      plan.call(
        'pidfd_send_signal',
        [plan.slotRef(fd), SIGKILL, 0, plan.value(PIDFD_SIGNAL_PROCESS_GROUP, 'PIDFD_SIGNAL_PROCESS_GROUP')],
        // ESRCH: it has not come to be a group's leader.
        { on: { EINVAL: alone, ESRCH: alone } },
      );
      plan.jump(told);
      plan.place(alone);
      killGroup(context, pid);
      plan.call('pidfd_send_signal', [plan.slotRef(fd), SIGKILL, 0, 0], { ignoreErrors: true });
      plan.place(told);
      tell(context, MESSAGE.hookTimeout, hook.timeout);
    }
    plan.place(ended);
    const info = plan.variable(128, '{siginfo}');
    plan.call('waitid', [plan.value(P_PIDFD, 'P_PIDFD'), plan.slotRef(fd), info, plan.value(WEXITED, 'WEXITED'), 0]);
    plan.call('close', [plan.slotRef(fd)]);
    const succeeded = plan.label();
    const killed = plan.label();
    plan.withSlot((code) => {
      plan.withSlot((status) => {
        plan.load(status, plan.addressOf(info, SI_STATUS), 4);
        plan.load(code, plan.addressOf(info, SI_CODE), 4);
        plan.branch(code, 'notEqual', CLD_EXITED, killed);
        plan.branch(status, 'equal', 0, succeeded);
        tell(context, MESSAGE.hookExited, plan.slotRef(status));
        plan.place(killed);
        tell(context, MESSAGE.hookKilled, plan.slotRef(status));
      });
    });
    plan.place(succeeded);
  });
}

/**
 * kill(-pid): the process is not waited for yet, so nobody else has its number. The machine has no subtraction: it counts, which takes less than a
 * millisecond for the pids of a container.
 */
function killGroup({ plan }: StepContext, pid: Slot): void {
  const next = plan.label();
  const counted = plan.label();
  plan.withSlot((group) => {
    plan.load(group, plan.constant(numberBytes(0), '{0}'));
    plan.place(next);
    plan.branch(pid, 'equal', 0, counted);
    plan.add(pid, -1);
    plan.add(group, -1);
    plan.jump(next);
    plan.place(counted);
    plan.call('kill', [plan.slotRef(group), SIGKILL], { ignoreErrors: true });
  });
}

/** Tells how the hook ended (a status, or seconds), and ends init with it. */
function tell({ plan, report }: StepContext, kind: number, value: SlotRef | number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(kind, 0);
  if (typeof value === 'number') bytes.writeUInt32LE(Math.min(value, 0xffffffff), 4);
  const message = plan.variable(bytes, '{hook ended}');
  if (typeof value !== 'number') plan.store(value.slot, plan.addressOf(message, 4), 4);
  plan.call('write', [plan.slotRef(report), message, 8], { ignoreErrors: true });
  plan.fail(ERRNO.ECANCELED);
}
