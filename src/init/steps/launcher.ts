// The first stage: a process of the host that puts things right, enters cgroups and given namespaces, and clones init.

import { NAMESPACES } from '../../linux/namespaces.ts';
import type { PlanBuilder } from '../builder.ts';
import type { InitInputs, JoinedNamespace, ProcessInputs } from '../inputs.ts';
import { MESSAGE } from '../messages.ts';
import type { Label, Slot } from '../plan.ts';
import { resetAffinity } from './affinity.ts';
import { descriptor, type LaunchContext, numberBytes, type ProcessContext } from './context.ts';
import { closeLeftovers, closeOthers, keptByInit } from './kept-descriptors.ts';
import { sendNumber } from './message.ts';
import { limitOpenFiles, needsMoreFiles } from './open-files.ts';
import { enterResourceClass } from './resource-class.ts';
import { makeTimeNamespaceForInit, openTimeOffsets } from './time-namespace.ts';
import { startTreeCopier, type TreeCopier, waitForTreeCopier } from './tree-copier.ts';
import {
  copyTreesForInit,
  dropCallersGroups,
  enterUserNamespace,
  hideProcess,
  isHiddenAtOnce,
  splitCreated,
} from './user-namespace.ts';

const F_GETFD = 1;
const PR_SET_NAME = 15;
export const CLONE_PARENT = 0x8000;
const CLONE_FILES = 0x400;
const CLONE_PIDFD = 0x1000;
export const CLONE_INTO_CGROUP = 0x200000000n;
const SIG_SETMASK = 2;

/** Writes the launcher's part; init goes on behind it. */
export function launch(context: LaunchContext): void {
  const { plan, inputs } = context;
  beginLauncher(
    context,
    keptByInit(inputs).concat(inputs.namespaces.joined.map((namespace) => namespace.descriptor.fd)),
    needsMoreFiles(inputs),
  );
  waitForCgroups(context);
  enterCgroups(plan, inputs, false);
  enterResourceClass(plan, inputs);
  const timeOffsets = openTimeOffsets(context);
  if (!isHiddenAtOnce(inputs) && inputs.userNamespace?.kind === 'joined') hideProcess(context);
  dropCallersGroups(context);
  const helper = startTreeCopier(context);
  joinNamespaces(plan, inputs);
  makeTimeNamespaceForInit(context, timeOffsets);
  cloneInit(context, helper);
  plan.section('init: the first process of the container');
  enterCgroups(plan, inputs, true);
  if (makesCgroupNamespaceLate(inputs)) {
    plan.step({ sentence: 'make the cgroup namespace', pointer: '/linux/namespaces' }, () => {
      const { flag, constant } = NAMESPACES.cgroup;
      plan.call('unshare', [plan.value(flag, constant)]);
    });
  }
  joinCgroupNamespace(plan, inputs);
  if (inputs.userNamespace !== undefined) enterUserNamespace(context, timeOffsets);
  else plan.step({ sentence: "close the launcher's descriptors" }, () => closeLeftovers(context));
  resetAffinity(plan);
  if (timeOffsets !== undefined) plan.free(timeOffsets);
}

/**
 * The launcher finds what it was given, and closes all but that: `kept`, and what the cgroups are entered by. `keepsLimit`: it may open as many
 * files as the engine.
 */
export function beginLauncher(context: ProcessContext, kept: readonly number[], keepsLimit = false): void {
  const { plan, inputs, report } = context;
  const channel = descriptor(plan, inputs.channel);
  plan.section('launcher: in the host');
  plan.step({ sentence: 'find the socket to the runtime', hint: 'this image is of use to runt only' }, () => {
    // First of all: an image that somebody else executes (it can be read through /proc/PID/exe) has no such descriptor and ends here.
    plan.load(report, plan.constant(numberBytes(inputs.channel.fd), `{${inputs.channel.fd}}`));
    plan.call('fcntl', [channel, plan.value(F_GETFD, 'F_GETFD')]);
  });
  if (isHiddenAtOnce(inputs)) hideProcess(context);
  plan.step({ sentence: 'name the process' }, () => {
    plan.call('prctl', [plan.value(PR_SET_NAME, 'PR_SET_NAME'), 'runt:init', 0, 0, 0]);
  });
  plan.step({ sentence: 'close descriptors that init was not given (CVE-2024-21626)' }, () => {
    closeOthers(plan, [
      ...kept,
      ...inputs.cgroups.entries.map(({ file }) => file.fd),
      ...(inputs.cgroups.directory === undefined ? [] : [inputs.cgroups.directory.fd]),
      ...(inputs.resourceClass === undefined ? [] : inputs.resourceClass.map(({ fd }) => fd)),
    ]);
  });
  restoreCaller(plan, inputs);
  if (!keepsLimit) limitOpenFiles(plan, inputs);
  adjustOutOfMemoryScore(context);
}

/** Signals and limits as the caller of the runtime has them, not as the engine made them for itself. */
function restoreCaller(plan: PlanBuilder, inputs: ProcessInputs): void {
  plan.step({ sentence: 'block no signal' }, () => {
    plan.call('rt_sigprocmask', [plan.value(SIG_SETMASK, 'SIG_SETMASK'), plan.constant(Buffer.alloc(8), '[]'), 0, 8]);
  });
  if (inputs.caller === undefined) {
    handleAllByDefault(plan);
    return;
  }
  for (const signal of inputs.caller.ignoredSignals) {
    plan.step({ sentence: `handle signal ${signal} in the default way` }, () => {
      plan.call('rt_sigaction', [signal, plan.constant(Buffer.alloc(32), '{SIG_DFL}'), 0, 8]);
    });
  }
}

const LAST_SIGNAL = 64;

/** Which of them the caller ignores is not known. */
function handleAllByDefault(plan: PlanBuilder): void {
  plan.step({ sentence: 'handle all signals in the default way' }, () => {
    plan.withSlot((signal) => {
      const again = plan.label();
      plan.load(signal, plan.constant(numberBytes(1), '{1}'));
      plan.place(again);
      // Of two the kernel does not let anybody say so.
      const byDefault = plan.constant(Buffer.alloc(32), '{SIG_DFL}');
      plan.call('rt_sigaction', [plan.slotRef(signal), byDefault, 0, 8], { ignoreErrors: true });
      plan.add(signal, 1);
      plan.branch(signal, 'less', LAST_SIGNAL + 1, again);
    });
  });
}

function adjustOutOfMemoryScore({ plan, config }: ProcessContext): void {
  const score = config.process?.oomScoreAdj;
  if (score === undefined) return;
  const step = {
    sentence: `set the out-of-memory score adjustment to ${score}`,
    pointer: '/process/oomScoreAdj',
    hint: 'lowering it below the caller’s needs CAP_SYS_RESOURCE',
  };
  // Written by the launcher, in the host's mount namespace: this /proc is the host's own. Init inherits it.
  plan.step(step, () => {
    plan.withSlot((file) => {
      plan.call('openat', [plan.value(-100, 'AT_FDCWD'), '/proc/self/oom_score_adj', plan.value(1, 'O_WRONLY')], {
        result: file,
      });
      plan.call('write', [plan.slotRef(file), String(score), String(score).length]);
      plan.call('close', [plan.slotRef(file)]);
    });
  });
}

/** With systemd the cgroups are there only when a process is in them: it is moved, meanwhile it waits. */
function waitForCgroups({ plan, inputs, report }: LaunchContext): void {
  if (inputs.cgroups.movedByRuntime !== true) return;
  plan.step({ sentence: 'wait until systemd has made the cgroups', pointer: '/linux/cgroupsPath' }, () => {
    const go = plan.label();
    plan.withSlot((length) => {
      plan.call('read', [plan.slotRef(report), plan.variable(8, '{go}'), 1], { result: length });
      plan.branch(length, 'equal', 1, go);
      // The runtime has ended: there is nobody to tell.
      plan.call('exit_group', [1]);
      plan.place(go);
    });
  });
}

/**
 * Those of v1 that count what is forked are entered by init itself: the launcher would be one more process under pids.max, and the namespaces
 * that clone makes would be charged to the container's memory. In v2 both come by themselves: clone charges its caller.
 */
const LATE_CONTROLLERS = ['memory', 'pids'];

/** `late`: only those that init enters, or only the others; all where it is not given. */
export function enterCgroups(plan: PlanBuilder, inputs: ProcessInputs, late?: boolean): void {
  for (const { controllers, file } of inputs.cgroups.entries) {
    if (late !== undefined && isLate(controllers) !== late) continue;
    plan.step({ sentence: `enter the ${controllers} cgroup`, pointer: '/linux/cgroupsPath' }, () => {
      // 0 means the writer itself: a single thread moves without the lock over all threads of the host.
      plan.call('write', [descriptor(plan, file), '0', 1]);
    });
  }
}

function isLate(controllers: string): boolean {
  return LATE_CONTROLLERS.some((name) => controllers.split(',').includes(name));
}

/** The cgroups that its maker is in become the roots of a cgroup namespace (cgroup_namespaces(7)): it has to be in all of them. */
function makesCgroupNamespaceLate(inputs: InitInputs): boolean {
  return (
    splitCreated(inputs).born.some(({ type }) => type === 'cgroup') &&
    inputs.cgroups.entries.some(({ controllers }) => isLate(controllers))
  );
}

/**
 * The user namespace first (it gives the right to enter the others, but for those that belong to another one), pid last (it counts for
 * children only).
 */
const JOIN_ORDER = ['user', 'mount', 'network', 'ipc', 'uts', 'cgroup', 'time', 'pid'];

function joinNamespaces(plan: PlanBuilder, inputs: InitInputs): void {
  // Out of a cgroup namespace nobody is born into a v2 cgroup that lies outside of it (ENOENT where cgroup2 is mounted with nsdelegate, as
  // systemd does): init joins that namespace itself.
  const joined = inputs.namespaces.joined.filter(({ type }) => type !== 'cgroup' || !joinsCgroupNamespaceLate(inputs));
  const place = ({ type, beforeUser }: JoinedNamespace): number =>
    JOIN_ORDER.indexOf(type) - (beforeUser === true ? JOIN_ORDER.length : 0);
  for (const namespace of joined.sort((a, b) => place(a) - place(b))) join(plan, namespace);
}

/** In a user namespace of its own init has no right to. */
function joinsCgroupNamespaceLate({ cgroups, userNamespace }: InitInputs): boolean {
  return cgroups.directory !== undefined && userNamespace === undefined;
}

function joinCgroupNamespace(plan: PlanBuilder, inputs: InitInputs): void {
  if (!joinsCgroupNamespaceLate(inputs)) return;
  for (const namespace of inputs.namespaces.joined) if (namespace.type === 'cgroup') join(plan, namespace);
}

function join(plan: PlanBuilder, { type, descriptor: file, pointer }: JoinedNamespace): void {
  plan.step({ sentence: `join the ${type} namespace ${file.text}`, pointer }, () => {
    plan.call('setns', [descriptor(plan, file), plan.value(NAMESPACES[type].flag, NAMESPACES[type].constant)]);
  });
}

function cloneInit(context: LaunchContext, helper: TreeCopier | undefined): void {
  const { plan, inputs } = context;
  const isLateCgroup = makesCgroupNamespaceLate(inputs);
  const created = splitCreated(inputs).born.filter(({ type }) => type !== 'cgroup' || !isLateCgroup);
  const lends = inputs.userNamespace?.treesBy === 'launcher';
  const pidfd = lends ? plan.variable(8, '{pidfd}') : undefined;
  let flags = BigInt(CLONE_PARENT);
  for (const { type } of created) flags |= BigInt(NAMESPACES[type].flag);
  const names = ['CLONE_PARENT', ...created.map(({ type }) => NAMESPACES[type].constant)];
  const args = Buffer.alloc(88);
  if (inputs.cgroups.directory !== undefined) {
    flags |= CLONE_INTO_CGROUP;
    names.push('CLONE_INTO_CGROUP');
    args.writeBigUInt64LE(BigInt(inputs.cgroups.directory.fd), 80);
  }
  if (pidfd !== undefined) {
    // The launcher goes on with init's descriptors in hand.
    flags |= BigInt(CLONE_FILES | CLONE_PIDFD);
    names.push('CLONE_FILES', 'CLONE_PIDFD');
    args.writeBigUInt64LE(plan.address(pidfd), 8);
  }
  args.writeBigUInt64LE(flags, 0);
  const types = created.map(({ type }) => type).join(', ');
  const sentence = types === '' ? 'start init' : `start init in new namespaces: ${types}`;
  const isInit = plan.label();
  plan.withSlot((pid) => {
    plan.step({ sentence, pointer: '/linux/namespaces' }, () => {
      // With CLONE_PARENT init is the runtime's child, and after it its subreaper's, like the launcher.
      plan.call('clone3', [plan.constant(args, `{flags=${names.join('|')}}`), args.length], { result: pid });
    });
    plan.branch(pid, 'equal', 0, isInit);
    tellPid(context, "tell the runtime init's pid", MESSAGE.pid, pid, pidfd === undefined);
    if (pidfd === undefined) return;
    if (helper === undefined) copyTreesForInit(context, pidfd);
    else waitForTreeCopier(context, helper, pidfd);
    plan.step({ sentence: 'end: init has all that it needs' }, () => plan.call('exit_group', [0]));
  });
  plan.place(isInit);
}

/** What a process does when it has cloned the next one: it tells the runtime that one's pid, and ends (unless it has more to do). */
export function tellPid(context: ProcessContext, sentence: string, type: number, pid: Slot, ends = true): void {
  const { plan } = context;
  plan.step({ sentence }, () => {
    sendNumber(context, 'pid', type, pid);
    if (ends) plan.call('exit_group', [0]);
  });
}

/** What happens when a step has failed: the machine's record goes to whoever listens, and the process ends. */
export function failureHandler({ plan, report }: ProcessContext): Label {
  const handler = plan.label();
  plan.place(handler);
  plan.section('when a step fails');
  plan.step({ sentence: 'report the step that failed, and end' }, () => {
    plan.call('write', [plan.slotRef(report), plan.failureRecord, 16], {
      ignoreErrors: true,
    });
    plan.call('exit_group', [1]);
  });
  return handler;
}
