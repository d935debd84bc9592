// A mount of type `cgroup` on a host with cgroup v1: a tmpfs with a folder for each hierarchy, as on the host.

import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../../linux/mount-constants.ts';
import type { CgroupHierarchy } from '../inputs.ts';
import type { Slot } from '../plan.ts';
import { attach, descriptor, type StepContext } from './context.ts';
import { makeFileSystem } from './file-system.ts';

/** Fills the mounted tmpfs. `attributes` (MOUNT_ATTR_*) hold for each hierarchy. */
export function mountCgroup1(
  context: StepContext,
  hierarchies: readonly CgroupHierarchy[],
  attributes: number,
  tmpfs: Slot,
): void {
  const { plan } = context;
  const folder = plan.value(O_PATH | O_DIRECTORY | O_NOFOLLOW, 'O_PATH|O_DIRECTORY|O_NOFOLLOW');
  for (const { name, controllers, tree } of hierarchies) {
    plan.call('mkdirat', [plan.slotRef(tmpfs), name, plan.value(0o755, '0755')]);
    plan.withSlot((target) => {
      plan.call('openat', [plan.slotRef(tmpfs), name, folder, 0], { result: target });
      if (tree !== undefined) {
        attach(plan, descriptor(plan, tree), plan.slotRef(target));
        plan.call('close', [descriptor(plan, tree)]);
      } else {
        // In a cgroup namespace the file system shows the container's own cgroup as its root (cgroup_namespaces(7)).
        plan.withSlot((made) => {
          makeFileSystem(context, { type: 'cgroup', source: 'cgroup', data: controllers, attributes, result: made });
          attach(plan, plan.slotRef(made), plan.slotRef(target));
          plan.call('close', [plan.slotRef(made)]);
        });
      }
      plan.call('close', [plan.slotRef(target)]);
    });
    // cpu,cpuacct is also found as cpu and as cpuacct.
    if (name.includes(',')) {
      for (const controller of name.split(',')) plan.call('symlinkat', [name, plan.slotRef(tmpfs), controller]);
    }
  }
}
