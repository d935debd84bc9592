// process.scheduler and process.ioPriority. The runtime sets them for the container's process, from outside and with the caller's rights, while
// that waits to be let go on:
// - In a user namespace no process has the right to a real-time policy; whoever is root on the host has it.
// - A process with SCHED_DEADLINE can't fork, and SCHED_FLAG_RESET_ON_FORK ends at a fork: so what `exec` starts can't have got either
//   before it was cloned, and has no privileges after that (init/steps/join.ts).
// Loaded only where the config asks for it.

import { fail } from '../error.ts';
import type { HostStep } from '../init/plan.ts';
import { ERRNO } from '../linux/errno.ts';
import {
  IO_CLASSES,
  ioPriority,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
  schedulerAttributes,
} from '../linux/scheduling.ts';
import { type Argument, syscall } from '../linux/syscall.ts';
import type { SyscallName } from '../linux/syscall-numbers.ts';
import type { Config, IoPriority, Process, Scheduler } from '../spec/generated/types.ts';

type ExactInteger = (pointer: string) => bigint | undefined;

/** A call that changes how a process is scheduled. */
export interface SchedulingStep extends HostStep {
  readonly pointer: string;
  readonly syscall: SyscallName;
  readonly arguments: (pid: number) => readonly Argument[];
  /** Why the kernel refuses it for want of rights (EPERM). */
  readonly denied: string;
}

const SCHEDULER = '/process/scheduler';
const IOPRIO_WHO_PROCESS = 1;

export function schedulingSteps(process: Process | undefined, exactInteger: ExactInteger): readonly SchedulingStep[] {
  const { scheduler, ioPriority: io } = process ?? {};
  return [
    ...(scheduler === undefined ? [] : [schedulerStep(scheduler, exactInteger)]),
    ...(io === undefined ? [] : [ioStep(io)]),
  ];
}

function schedulerStep(of: Scheduler, exactInteger: ExactInteger): SchedulingStep {
  const { policy, nice = 0, priority = 0, flags = [] } = of;
  const time = (name: 'runtime' | 'deadline' | 'period'): bigint =>
    exactInteger(`${SCHEDULER}/${name}`) ?? BigInt(of[name] ?? 0);
  const times = { runtime: time('runtime'), deadline: time('deadline'), period: time('period') };
  const attributes = schedulerAttributes({
    policy: SCHEDULER_POLICIES[policy],
    flags: flags.reduce((bits, flag) => bits | SCHEDULER_FLAGS[flag], 0),
    nice,
    priority,
    ...times,
  });
  const isDeadline = policy === 'SCHED_DEADLINE';
  const isRealTime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  const parameters = isDeadline
    ? `, ${times.runtime} ns of each ${times.period === 0n ? times.deadline : times.period} ns, within ${times.deadline} ns`
    : isRealTime
      ? ` ${priority}`
      : policy === 'SCHED_IDLE'
        ? ''
        : `, nice ${nice}`;
  return {
    sentence: `schedule the process with ${[policy, ...flags].join('|')}${parameters}`,
    pointer: SCHEDULER,
    syscall: 'sched_setattr',
    arguments: (pid) => [pid, attributes, 0],
    denied: isRealTime
      ? 'it needs CAP_SYS_NICE on the host, and with cgroup v1 a share of real time: linux.resources.cpu.realtimeRuntime'
      : isDeadline
        ? 'it needs CAP_SYS_NICE on the host, and all its processors'
        : 'a nice value below the caller’s needs CAP_SYS_NICE on the host',
  };
}

function ioStep({ class: name, priority = 0 }: IoPriority): SchedulingStep {
  return {
    sentence: `schedule the disk access of the process with ${name}, level ${priority}`,
    pointer: '/process/ioPriority',
    syscall: 'ioprio_set',
    // Of a process that has made none yet: what it makes inherits it.
    arguments: (pid) => [IOPRIO_WHO_PROCESS, pid, ioPriority(IO_CLASSES[name], priority)],
    denied: 'IOPRIO_CLASS_RT needs CAP_SYS_ADMIN or CAP_SYS_NICE on the host',
  };
}

function hintFor(errno: number, { denied, pointer }: SchedulingStep): { readonly hint?: string } {
  if (errno === ERRNO.EPERM) return { hint: denied };
  if (pointer !== SCHEDULER) return {};
  if (errno === ERRNO.EBUSY)
    return { hint: 'the host has promised too much of its time to others (sched(7), "SCHED_DEADLINE")' };
  if (errno === ERRNO.EINVAL || errno === ERRNO.EOPNOTSUPP)
    return {
      hint: 'the kernel does not have this policy or flag (SCHED_ISO is in none), or takes no such values (sched(7))',
    };
  return {};
}

/** `pid`: a child of ours that waits. Throws `system`, naming the field. */
export function applyScheduling(pid: number, config: Config, exactInteger: ExactInteger): void {
  for (const step of schedulingSteps(config.process, exactInteger)) {
    const result = syscall(step.syscall, ...step.arguments(pid));
    if (result >= 0) continue;
    const errno = -result;
    // sched_setattr(2): such a process has to be allowed on all processors of its scheduling domain.
    const confined =
      config.process?.scheduler?.policy === 'SCHED_DEADLINE' && (config.linux?.resources?.cpu?.cpus ?? '') !== '';
    const isConfined = errno === ERRNO.EPERM && step.pointer === SCHEDULER && confined;
    const reason = isConfined ? ": process scheduler can't be used together with AllowedCPUs" : '';
    fail({
      code: 'system',
      message: `${step.sentence}${reason}`,
      syscall: step.syscall,
      errno,
      pointer: step.pointer,
      ...(isConfined ? { hint: 'leave linux.resources.cpu.cpus out' } : hintFor(errno, step)),
    });
  }
}
