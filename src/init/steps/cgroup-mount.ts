// A mount of type `cgroup` on a host with cgroup v1: a tmpfs with a folder for each hierarchy, as on the host.

import {
  AT_FDCWD,
  MS_SLAVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/mount-constants.ts';
import type { CgroupHierarchy } from '../inputs.ts';
import type { Slot } from '../plan.ts';
import { attach, type StepContext, setAttributes } from './context.ts';

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
  const folder = plan.value(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 'O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC');
  const clone = plan.value(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 'OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC');
  const cwd = plan.value(AT_FDCWD, 'AT_FDCWD');
  for (const { name, path } of hierarchies) {
    plan.call('mkdirat', [plan.slotRef(tmpfs), name, plan.value(0o755, '0755')]);
    plan.withSlot((target) => {
      plan.withSlot((own) => {
        plan.call('openat', [plan.slotRef(tmpfs), name, folder, 0], { result: target });
        plan.call('open_tree', [cwd, path, clone], { result: own });
        setAttributes(plan, plan.slotRef(own), { set: attributes, propagation: MS_SLAVE });
        attach(plan, plan.slotRef(own), plan.slotRef(target));
      });
    });
    // cpu,cpuacct is also found as cpu and as cpuacct.
    if (name.includes(',')) {
      for (const controller of name.split(',')) plan.call('symlinkat', [name, plan.slotRef(tmpfs), controller]);
    }
  }
}
