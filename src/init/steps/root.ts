// The root file system: attached where it lies on the host, and at the end made the root.

import {
  AT_FDCWD,
  AT_RECURSIVE,
  attrText,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_SIZE,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  mountAttr,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from '../../linux/mount-constants.ts';
import { parseMountOptions } from '../../linux/mount-options.ts';
import type { PlanBuilder } from '../builder.ts';
import type { InitInputs } from '../inputs.ts';
import type { SlotRef } from '../plan.ts';
import { attach, descriptor, type StepContext, setAttributes } from './context.ts';
import { makeFileSystem } from './file-system.ts';

const AT_FDCWD_VALUE = [AT_FDCWD, 'AT_FDCWD'] as const;

/** Whether the container has a mount namespace that init may change as it likes. */
export function hasOwnMounts(inputs: Pick<InitInputs, 'namespaces'>): boolean {
  return inputs.namespaces.created.some(({ type }) => type === 'mount');
}

/** The config's word for the root's propagation; as in runc mount events come in but don't go out when it is not given. */
function rootPropagation({ config }: StepContext): { readonly flag: number; readonly recursive: boolean } {
  const word = config.linux?.rootfsPropagation;
  const parsed = word === undefined ? undefined : parseMountOptions([word]).propagation[0];
  return parsed ?? { flag: MS_SLAVE, recursive: true };
}

function setByPath(context: StepContext, path: string, propagation: number, recursive: boolean): void {
  const { plan } = context;
  plan.call('mount_setattr', [
    plan.value(...AT_FDCWD_VALUE),
    path,
    recursive ? plan.value(AT_RECURSIVE, 'AT_RECURSIVE') : 0,
    plan.constant(mountAttr(0, 0, propagation), attrText(0, 0, propagation)),
    MOUNT_ATTR_SIZE,
  ]);
}

/**
 * Opens the root where init has no mount namespace of its own: nothing may be mounted there for it, since nobody would take it
 * away again. The path is one of the host, or of the namespace that was joined.
 */
export function openRoot(plan: PlanBuilder, inputs: InitInputs): SlotRef {
  const root = plan.slot('the root');
  plan.step({ sentence: `open the root file system ${inputs.root.path}`, pointer: '/root/path' }, () => {
    const flags = plan.value(O_PATH | O_DIRECTORY | O_CLOEXEC, 'O_PATH|O_DIRECTORY|O_CLOEXEC');
    plan.call('openat', [plan.value(...AT_FDCWD_VALUE), inputs.root.path, flags, 0], { result: root });
  });
  return plan.slotRef(root);
}

/** Cuts init's mounts off the host's and attaches the container's tree. */
export function attachRoot(context: StepContext): void {
  const { plan, inputs, root } = context;
  if (!hasOwnMounts(inputs)) return;
  const { flag, recursive } = rootPropagation(context);
  const pointer = '/linux/rootfsPropagation';
  // A shared root goes on sharing with the host; for all others nothing that happens here may be seen there.
  const own = flag === MS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
  if (flag !== MS_SHARED) {
    plan.step({ sentence: 'keep mounts of the container from the host', pointer }, () => {
      setByPath(context, '/', own, true);
    });
  } else if (inputs.root.parentMount !== undefined) {
    const { parentMount } = inputs.root;
    plan.step({ sentence: `keep the root's own mount from the host: make ${parentMount} private`, pointer }, () => {
      setByPath(context, parentMount, MS_PRIVATE, false);
    });
  }
  plan.step({ sentence: `attach the root file system at ${inputs.root.path}`, pointer: '/root/path' }, () => {
    const place = inputs.userNamespace?.rootPlace;
    if (place === undefined) {
      plan.call('move_mount', [
        root,
        '',
        plan.value(...AT_FDCWD_VALUE),
        inputs.root.path,
        plan.value(MOVE_MOUNT_F_EMPTY_PATH, 'MOVE_MOUNT_F_EMPTY_PATH'),
      ]);
    } else {
      // The container's root may have no right to go to the path itself.
      attach(plan, root, descriptor(plan, place));
    }
    // pivot_root(2) wants a root that is not shared; it becomes what the config says afterwards.
    const now = flag === MS_SHARED || flag === MS_UNBINDABLE ? MS_PRIVATE : flag;
    setAttributes(plan, root, { propagation: now, recursive });
  });
}

/** root.readonly: the mount of the root alone, as in runc; what is mounted below has options of its own. */
export function makeRootReadOnly({ plan, config, root }: StepContext): void {
  if (config.root?.readonly !== true) return;
  const hint = 'it needs a mount namespace of the container’s own';
  plan.step({ sentence: 'make the root file system read-only', pointer: '/root/readonly', hint }, () => {
    setAttributes(plan, root, { set: MOUNT_ATTR_RDONLY });
  });
}

/** Makes the tree the root of init, so that nothing of the host can be reached any more. */
export function enterRoot(context: StepContext): void {
  const { plan, inputs, root } = context;
  plan.section('entering the root');
  if (hasOwnMounts(inputs)) {
    if (inputs.noPivot === undefined) pivotRoot(context);
    else moveRoot(context, inputs.noPivot.fullyVisible);
  } else {
    plan.step({ sentence: 'enter the root file system', pointer: '/root/path' }, () => {
      plan.call('fchdir', [root]);
      plan.call('chroot', ['.']);
      plan.call('chdir', ['/']);
    });
  }
  const { flag, recursive } = rootPropagation(context);
  if (hasOwnMounts(inputs) && (flag === MS_SHARED || flag === MS_UNBINDABLE)) {
    plan.step({ sentence: 'set the propagation of the root', pointer: '/linux/rootfsPropagation' }, () => {
      setAttributes(plan, root, { propagation: flag, recursive });
    });
  }
}

function pivotRoot({ plan, root }: StepContext): void {
  plan.step({ sentence: 'change the root', pointer: '/root/path' }, () => {
    plan.withSlot((old) => {
      const flags = plan.value(O_PATH | O_DIRECTORY | O_CLOEXEC, 'O_PATH|O_DIRECTORY|O_CLOEXEC');
      plan.call('openat', [plan.value(...AT_FDCWD_VALUE), '/', flags, 0], { result: old });
      plan.call('fchdir', [root]);
      // Puts the old root on top of the new one, so that no directory of the image is needed (pivot_root(2), "Notes").
      plan.call('pivot_root', ['.', '.']);
      plan.call('fchdir', [plan.slotRef(old)]);
      plan.call('mount', [0, '.', 0, plan.value(MS_SLAVE | 0x4000, 'MS_SLAVE|MS_REC'), 0]);
      plan.call('umount2', ['.', plan.value(MNT_DETACH, 'MNT_DETACH')]);
      plan.call('chdir', ['/']);
    });
  });
}

/** --no-pivot, for a host whose root is a ramfs. */
function moveRoot(context: StepContext, fullyVisible: readonly string[]): void {
  const { plan, root } = context;
  for (const path of fullyVisible) {
    const step = {
      sentence: `take the host's ${path} away (a user namespace in the container could mount another like it)`,
    };
    plan.step(step, () => {
      const gone = plan.label();
      // It may have lain below one that is gone already.
      plan.call('mount', [0, path, 0, plan.value(MS_SLAVE | 0x4000, 'MS_SLAVE|MS_REC'), 0], {
        on: { ENOENT: gone, EINVAL: gone },
      });
      const cover = plan.label();
      // In a user namespace the host's mounts are locked (mount_namespaces(7)): they can't go, but be covered.
      const locked = context.inputs.userNamespace === undefined ? {} : { on: { EINVAL: cover, EPERM: cover } };
      plan.call('umount2', [path, plan.value(MNT_DETACH, 'MNT_DETACH')], locked);
      if (context.inputs.userNamespace !== undefined) {
        plan.jump(gone);
        plan.place(cover);
        coverPath(context, path);
      }
      plan.place(gone);
    });
  }
  plan.step({ sentence: 'move the root file system to /', pointer: '/root/path' }, () => {
    const flags = plan.value(MOVE_MOUNT_F_EMPTY_PATH, 'MOVE_MOUNT_F_EMPTY_PATH');
    plan.call('move_mount', [root, '', plan.value(...AT_FDCWD_VALUE), '/', flags]);
    plan.call('fchdir', [root]);
    plan.call('chroot', ['.']);
    plan.call('chdir', ['/']);
  });
}

function coverPath(context: StepContext, path: string): void {
  const { plan } = context;
  plan.withSlot((tmpfs) => {
    makeFileSystem(context, { type: 'tmpfs', source: 'tmpfs', data: [], attributes: MOUNT_ATTR_RDONLY, result: tmpfs });
    const flags = plan.value(MOVE_MOUNT_F_EMPTY_PATH, 'MOVE_MOUNT_F_EMPTY_PATH');
    plan.call('move_mount', [plan.slotRef(tmpfs), '', plan.value(...AT_FDCWD_VALUE), path, flags]);
  });
}
