// A mount of type `cgroup` on a host with cgroup v1: a tmpfs with a folder for each hierarchy, as on the host.

import {
  AT_FDCWD,
  attrText,
  MOUNT_ATTR_SIZE,
  MS_SLAVE,
  mountAttr,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/mount-constants.ts';
import type { CgroupHierarchy } from '../inputs.ts';
import type { Slot } from '../plan.ts';
import { AT_EMPTY_PATH_VALUE, attach, type StepContext } from './context.ts';

/**
 * Fills the mounted tmpfs with the container's own cgroups, bound from the host's tree: with a cgroup namespace they are the roots that a
 * new cgroup mount would show, without one they are all that it may see. `attributes` (MOUNT_ATTR_*) hold for each.
 */
export function mountCgroup1(
  { plan }: StepContext,
  hierarchies: readonly CgroupHierarchy[],
  attributes: number,
  tmpfs: Slot,
): void {
  const folder = plan.value(O_PATH | O_DIRECTORY | O_NOFOLLOW, 'O_PATH|O_DIRECTORY|O_NOFOLLOW');
  const clone = plan.value(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 'OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC');
  const cwd = plan.value(AT_FDCWD, 'AT_FDCWD');
  const change = plan.constant(mountAttr(attributes, 0, MS_SLAVE), attrText(attributes, 0, MS_SLAVE));
  for (const { name, path } of hierarchies) {
    plan.call('mkdirat', [plan.slotRef(tmpfs), name, plan.value(0o755, '0755')]);
    plan.withSlot((target) => {
      plan.withSlot((own) => {
        plan.call('openat', [plan.slotRef(tmpfs), name, folder, 0], { result: target });
        plan.call('open_tree', [cwd, path, clone], { result: own });
        plan.call('mount_setattr', [plan.slotRef(own), '', AT_EMPTY_PATH_VALUE(plan), change, MOUNT_ATTR_SIZE]);
        attach(plan, plan.slotRef(own), plan.slotRef(target));
      });
    });
    // cpu,cpuacct is also found as cpu and as cpuacct.
    if (name.includes(',')) {
      for (const controller of name.split(',')) plan.call('symlinkat', [name, plan.slotRef(tmpfs), controller]);
    }
  }
}
