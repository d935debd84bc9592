// How a program that exec adds gets into a container: the launcher of an exec, up to the program's own process.
//
// Whoever is root in the container may look at a process that it can see, if it has CAP_SYS_PTRACE and no user namespace keeps it
// away (CVE-2016-9962). So nothing is there to be seen: what needs descriptors of the host (the cgroups, the namespaces) and what needs
// privileges happens before the container's pid namespace is entered. The process that appears in it has the rights and
// the descriptors of the program that it becomes, and its socket to the runtime.

import type { ErrnoName } from '../../linux/errno.ts';
import { AT_FDCWD } from '../../linux/mount-constants.ts';
import { NAMESPACES } from '../../linux/namespaces.ts';
import type { PlanBuilder } from '../builder.ts';
import type { Descriptor, ExecInputs } from '../inputs.ts';
import { MESSAGE } from '../messages.ts';
import type { Label, Step } from '../plan.ts';
import { resetAffinity, setAffinity } from './affinity.ts';
import { descriptor, type ProcessContext, send } from './context.ts';
import { waitForGo } from './hooks.ts';
import { becomeUser, limitResources } from './identity.ts';
import { closeOthers, keptByProgram } from './kept-descriptors.ts';
import { beginLauncher, CLONE_INTO_CGROUP, CLONE_PARENT, enterCgroups, tellPid } from './launcher.ts';
import { enterResourceClass } from './resource-class.ts';
import { joinKeyring, leaveSession } from './session.ts';
import { prepareStreams, takeTerminal } from './terminal.ts';
import { dropCallersGroups, hideProcess, isHiddenAtOnce } from './user-namespace.ts';

export interface ExecContext extends ProcessContext {
  readonly inputs: ExecInputs;
}

/** From a process of the host to one of the container that is only to be executed. */
export function enterContainer(context: ExecContext): void {
  const { plan, inputs, config } = context;
  const { target, cgroups, initsCgroup, terminal } = inputs;
  beginLauncher(context, [
    ...keptByProgram(inputs),
    target.pidfd.fd,
    ...(target.root === undefined ? [] : [target.root.fd]),
    ...(initsCgroup === undefined ? [] : [initsCgroup.fd]),
    ...(terminal === undefined ? [] : [terminal.socket.fd]),
  ]);
  if (cgroups.directory !== undefined) goOnInCgroup(context, cgroups.directory, initsCgroup);
  const affinity = config.process?.execCPUAffinity;
  setAffinity(plan, affinity?.initial, '/process/execCPUAffinity/initial');
  enterCgroups(plan, inputs);
  enterResourceClass(plan, inputs);
  if (affinity === undefined) resetAffinity(plan);
  setAffinity(plan, affinity?.final, '/process/execCPUAffinity/final');
  // Here /proc is the host's; once in the container's user namespace nobody could mount one of the host's processes.
  inputs.labels?.keyring(context, 'host');
  inputs.labels?.program(context, 'host');
  if (!isHiddenAtOnce(inputs)) hideProcess(context);
  dropCallersGroups(context);
  // The last moment to raise one.
  if (inputs.userNamespace?.isCallerRoot === true) limitResources(context);
  joinNamespaces(context);
  // The working directory is the root.
  if (terminal !== undefined)
    prepareStreams({ plan, root: plan.value(AT_FDCWD, 'AT_FDCWD'), console: false }, terminal);
  plan.step({ sentence: 'close what is not for the program (CVE-2024-21626)' }, () =>
    closeOthers(plan, keptByProgram(inputs)),
  );
  joinKeyring(context);
  const early = !countsProcesses(context);
  if (early) becomeUser(context, keptByProgram(inputs));
  cloneProgram(context);
  leaveSession(context);
  if (terminal !== undefined) takeTerminal(plan);
  if (!early) becomeUser(context, keptByProgram(inputs));
  if (!inputs.waits) return;
  plan.step(waitStep(inputs), () => {
    send(context, 'ready', MESSAGE.ready);
    waitForGo(context, descriptor(plan, inputs.channel));
  });
}

function waitStep({ terminal }: ExecInputs): Step {
  return terminal === undefined
    ? { sentence: 'wait until the runtime has set how the process is scheduled', pointer: '/process' }
    : { sentence: "wait until somebody attends to the program's terminal", pointer: '/process/terminal' };
}

/** How many processes the launcher has been followed by when the seccomp filter is installed. */
export function processesBeforeFilter({ config, cgroups }: Pick<ExecInputs, 'config' | 'cgroups'>): number {
  return (cgroups.directory === undefined ? 0 : 1) + (countsProcesses({ config }) ? 1 : 0);
}

/** The user's limit of processes would count the one that clones, too: then it is set after that. */
function countsProcesses({ config }: Pick<ExecContext, 'config'>): boolean {
  return (config.process?.rlimits ?? []).some(({ type }) => type === 'RLIMIT_NPROC');
}

/**
 * A process that is born in the v2 cgroup takes the launcher's place: moving the launcher would take a lock that the whole host's forks
 * wait for (src/cgroup/create.ts). It is not the program's process, since that one would hold the directory's descriptor, and with it
 * the host's file system, when it can be seen.
 */
function goOnInCgroup(context: ExecContext, directory: Descriptor, initsCgroup: Descriptor | undefined): void {
  const { plan } = context;
  const successor = plan.label();
  plan.withSlot((pid) => {
    const step = {
      sentence: `go on in the cgroup ${directory.text}`,
      hint: 'a cgroup that gives controllers to those below it takes no processes: name one of those with --cgroup',
    };
    plan.step(step, () => {
      const taken = plan.label();
      if (initsCgroup === undefined) clone(plan, pid, directory);
      else {
        const busy = plan.label();
        clone(plan, pid, directory, { EBUSY: busy });
        plan.jump(taken);
        plan.place(busy);
        clone(plan, pid, initsCgroup);
      }
      plan.place(taken);
    });
    plan.branch(pid, 'equal', 0, successor);
    tellPid(context, 'tell the runtime which process goes on', MESSAGE.successor, pid);
  });
  plan.place(successor);
}

/** One call for all: the kernel enters the user namespace first, and takes the caller's rights in its own for the others (setns(2)). */
function joinNamespaces({ plan, inputs }: ExecContext): void {
  const { pidfd, namespaces, root } = inputs.target;
  plan.section("launcher: in the container's namespaces");
  let flags = 0;
  for (const type of namespaces) flags |= NAMESPACES[type].flag;
  plan.step({ sentence: `join the namespaces of the container: ${namespaces.join(', ')}` }, () => {
    const names = namespaces.map((type) => NAMESPACES[type].constant).join('|');
    // The mount namespace's root becomes this process's, which is the container's, pivoted or moved.
    plan.call('setns', [descriptor(plan, pidfd), plan.value(flags, names)]);
  });
  if (root === undefined) return;
  plan.step({ sentence: "enter init's root" }, () => {
    plan.call('fchdir', [descriptor(plan, root)]);
    plan.call('chroot', ['.']);
    plan.call('chdir', ['/']);
  });
}

function cloneProgram(context: ExecContext): void {
  const { plan } = context;
  const program = plan.label();
  plan.withSlot((pid) => {
    // clone3 is what profiles refuse: a filter can't look into its argument. The filter may be there already.
    plan.step({ sentence: "start the program's process" }, () =>
      plan.call('clone', [plan.value(CLONE_PARENT, 'CLONE_PARENT'), 0, 0, 0, 0], { result: pid }),
    );
    plan.branch(pid, 'equal', 0, program);
    tellPid(context, "tell the runtime the program's pid", MESSAGE.pid, pid);
  });
  plan.place(program);
  plan.section("the program's process");
}

/** The runtime's child, as the process itself is. */
function clone(
  plan: PlanBuilder,
  pid: Parameters<PlanBuilder['slotRef']>[0],
  cgroup: Descriptor,
  on?: Partial<Record<ErrnoName, Label>>,
): void {
  const args = Buffer.alloc(88);
  const text = `{flags=CLONE_PARENT|CLONE_INTO_CGROUP, cgroup=${cgroup.fd}<${cgroup.text}>}`;
  args.writeBigUInt64LE(BigInt(CLONE_PARENT) | CLONE_INTO_CGROUP, 0);
  args.writeBigUInt64LE(BigInt(cgroup.fd), 80);
  plan.call('clone3', [plan.constant(args, text), args.length], { result: pid, ...(on === undefined ? {} : { on }) });
}
