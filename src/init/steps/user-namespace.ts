// How init becomes what it is in a user namespace (user_namespaces(7)): the root of it, with the trees of the host that it will mount.
//
// A tree that the runtime copied would come without the locks which keep a less privileged mount namespace from undoing what a mount of
// the host forbids (read-only, nodev, …: mount_namespaces(7)). So trees are copied in init's own mount namespace, where the kernel
// has set those locks: by the launcher, which enters it with the rights of the host's root, or else by init while it still is its caller.

import {
  AT_FDCWD,
  AT_RECURSIVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/mount-constants.ts';
import { NAMESPACES, type NamespaceType } from '../../linux/namespaces.ts';
import type { InitInputs, ProcessInputs, UserNamespaceInputs } from '../inputs.ts';
import type { DataRef, Slot } from '../plan.ts';
import { descriptor, type LaunchContext, mapIds, type ProcessContext, setAttributes } from './context.ts';
import { waitForGo } from './hooks.ts';
import { closeLeftovers } from './kept-descriptors.ts';
import { enterTimeNamespace, hasTimeOffsets } from './time-namespace.ts';

const PR_SET_DUMPABLE = 4;
/** Those that init is born in. The others are made when it has become root: what they hold at their birth then belongs to that root. */
const AT_BIRTH: readonly NamespaceType[] = ['user', 'pid', 'mount', 'time'];

type Created = InitInputs['namespaces']['created'];

/** The new namespaces that init is cloned into, and those that it makes itself. */
export function splitCreated(inputs: InitInputs): { readonly born: Created; readonly later: Created } {
  const { created } = inputs.namespaces;
  // Where the clocks are set, the time namespace is made apart (steps/time-namespace.ts).
  const others = hasTimeOffsets(inputs) ? created.filter(({ type }) => type !== 'time') : created;
  if (inputs.userNamespace === undefined || inputs.userNamespace.kind === 'inherited')
    return { born: others, later: [] };
  return {
    born: others.filter(({ type }) => AT_BIRTH.includes(type)),
    later: others.filter(({ type }) => !AT_BIRTH.includes(type)),
  };
}

/**
 * Whether the launcher is to be hidden from other processes at once. For a caller without privileges /proc/self/oom_score_adj and the maps
 * can be written only while it is not; but nobody of a namespace that is joined may ever see it.
 */
export function isHiddenAtOnce(inputs: ProcessInputs): boolean {
  return inputs.userNamespace === undefined || inputs.userNamespace.isCallerRoot;
}

export function hideProcess({ plan }: ProcessContext): void {
  plan.step({ sentence: 'keep other processes from looking into the launcher (CVE-2016-9962)' }, () => {
    plan.call('prctl', [plan.value(PR_SET_DUMPABLE, 'PR_SET_DUMPABLE'), 0, 0, 0, 0]);
  });
}

/** The launcher's groups go before it has no right to do so: also where the namespace that it joins denies it. */
export function dropCallersGroups({ plan, inputs }: ProcessContext): void {
  if (inputs.userNamespace?.kind !== 'joined' || !inputs.userNamespace.isCallerRoot) return;
  plan.step({ sentence: "leave the caller's groups" }, () => plan.call('setgroups', [0, 0]));
}

/** The launcher, behind init's birth: enters init's mount namespace, keeps its own user namespace, and copies the trees. */
export function copyTreesForInit(context: LaunchContext, pidfd: DataRef): void {
  const { plan, inputs } = context;
  if (inputs.userNamespace?.treesBy !== 'launcher') return;
  const hint = 'it needs CAP_SYS_PTRACE and CAP_SYS_ADMIN on the host';
  plan.step({ sentence: "enter init's mount namespace", hint }, () => {
    plan.withSlot((fd) => {
      plan.load(fd, pidfd, 4);
      plan.call('setns', [plan.slotRef(fd), plan.value(NAMESPACES.mount.flag, NAMESPACES.mount.constant)]);
    });
  });
  copyTrees(context);
}

/** Whether init begins when the runtime says so (container/user-namespace.ts, `releaseInit`). */
export function waitsForRuntime({ kind, treesBy }: Pick<UserNamespaceInputs, 'kind' | 'treesBy'>): boolean {
  return kind === 'created' || treesBy === 'launcher';
}

/**
 * Init's first steps. The runtime answers when the maps are written and the launcher, which shares init's descriptors, has ended. `timeOffsets`:
 * of openTimeOffsets.
 */
export function enterUserNamespace(context: LaunchContext, timeOffsets: Slot | undefined): void {
  const { plan, inputs, report } = context;
  const { userNamespace } = inputs;
  if (userNamespace === undefined) return;
  plan.section('user namespace');
  if (waitsForRuntime(userNamespace)) {
    const isNew = userNamespace.kind === 'created';
    const step = isNew
      ? { sentence: 'wait until the ids are mapped', pointer: '/linux/uidMappings' }
      : { sentence: 'wait until the mount sources are copied', pointer: '/mounts' };
    plan.step(step, () => waitForGo(context, plan.slotRef(report)));
  }
  enterTimeNamespace(context, timeOffsets);
  plan.step({ sentence: "close the launcher's descriptors" }, () => closeLeftovers(context));
  if (userNamespace.treesBy === 'init') copyTrees(context);
  if (userNamespace.kind === 'inherited') return;
  becomeRoot(context);
  makeNamespaces(context);
}

function copyTrees({ plan, inputs }: LaunchContext): void {
  const { trees = [], rootPlace } = inputs.userNamespace ?? {};
  const cwd = plan.value(AT_FDCWD, 'AT_FDCWD');
  const closeOnExec = plan.value(O_CLOEXEC, 'O_CLOEXEC');
  for (const { path, recursive, into, changes, idMap, step } of trees) {
    plan.step(step, () => {
      plan.withSlot((copy) => {
        const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
        const text = `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC${recursive ? '|AT_RECURSIVE' : ''}`;
        plan.call('open_tree', [cwd, path, plan.value(flags, text)], { result: copy });
        if (idMap !== undefined) mapIds(plan, plan.slotRef(copy), idMap);
        for (const change of changes) setAttributes(plan, plan.slotRef(copy), change);
        plan.call('dup3', [plan.slotRef(copy), descriptor(plan, into), closeOnExec]);
        plan.call('close', [plan.slotRef(copy)]);
      });
    });
  }
  if (rootPlace === undefined) return;
  plan.step({ sentence: `open the place of the root, ${inputs.root.path}`, pointer: '/root/path' }, () => {
    plan.withSlot((place) => {
      const flags = plan.value(O_PATH | O_DIRECTORY | O_CLOEXEC, 'O_PATH|O_DIRECTORY|O_CLOEXEC');
      plan.call('openat', [cwd, inputs.root.path, flags, 0], { result: place });
      plan.call('dup3', [plan.slotRef(place), descriptor(plan, rootPlace), closeOnExec]);
      plan.call('close', [plan.slotRef(place)]);
    });
  });
}

function becomeRoot(context: LaunchContext): void {
  const { plan, inputs } = context;
  const setgroups = inputs.userNamespace?.setgroups;
  plan.step({ sentence: 'become root of the user namespace', pointer: '/linux/uidMappings' }, () => {
    if (setgroups !== 'deny') {
      const denied = plan.label();
      // A namespace that is joined may deny it; the launcher had left its groups before if it could.
      plan.call('setgroups', [0, 0], setgroups === 'unknown' ? { on: { EPERM: denied } } : {});
      plan.place(denied);
    }
    plan.call('setresgid', [0, 0, 0]);
    plan.call('setresuid', [0, 0, 0]);
  });
  plan.step({ sentence: 'keep other processes from looking into init (CVE-2016-9962)' }, () => {
    plan.call('prctl', [plan.value(PR_SET_DUMPABLE, 'PR_SET_DUMPABLE'), 0, 0, 0, 0]);
  });
}

function makeNamespaces({ plan, inputs }: LaunchContext): void {
  const { later } = splitCreated(inputs);
  if (later.length === 0) return;
  const flags = later.reduce((bits, { type }) => bits | NAMESPACES[type].flag, 0);
  const sentence = `make namespaces that belong to the user namespace: ${later.map(({ type }) => type).join(', ')}`;
  plan.step({ sentence, pointer: '/linux/namespaces' }, () => {
    plan.call('unshare', [plan.value(flags, later.map(({ type }) => NAMESPACES[type].constant).join('|'))]);
  });
}

/**
 * Last of all: a caller who is not root on the host could not look at what a hidden process executes, which tells a created container from
 * a running one. By now init has nothing that the container's root has not.
 */
export function showProcess({ plan, inputs }: LaunchContext): void {
  if (inputs.userNamespace === undefined || inputs.userNamespace.isCallerRoot) return;
  plan.step({ sentence: 'let the runtime look at what init executes' }, () => {
    plan.call('prctl', [plan.value(PR_SET_DUMPABLE, 'PR_SET_DUMPABLE'), 1, 0, 0, 0]);
  });
}
