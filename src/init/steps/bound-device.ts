// Devices where init may make none (user_namespaces(7)): the host's own are bound, with the owner and the mode that they have there.

import { pointer } from '../../json-pointer.ts';
import { ERRNO } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_NOFOLLOW,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/mount-constants.ts';
import type { Argument } from '../builder.ts';
import type { Slot } from '../plan.ts';
import { attach, type StepContext, setAttributes } from './context.ts';
import { branchUnlessDevice } from './device-type.ts';
import type { DeviceNode } from './devices.ts';
import { hasOwnMounts } from './root.ts';

/** Puts the host's device of that path on `name` in the open directory. */
export function bindDevice(context: StepContext, directory: Argument, name: string, device: DeviceNode): void {
  const { plan, inputs } = context;
  // A mount would stay in a namespace that is not the container's alone.
  if (!hasOwnMounts(inputs)) {
    plan.fail(ERRNO.EPERM);
    return;
  }
  const made = plan.label();
  plan.call('mknodat', [directory, name, plan.value(0o100666, 'S_IFREG|0666'), 0], { on: { EEXIST: made } });
  plan.place(made);
  plan.withSlot((target) => {
    plan.withSlot((node) => {
      plan.call('openat', [directory, name, plan.value(O_PATH | O_NOFOLLOW, 'O_PATH|O_NOFOLLOW'), 0], {
        result: target,
      });
      const clone = plan.value(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 'OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC');
      plan.call('open_tree', [plan.value(AT_FDCWD, 'AT_FDCWD'), device.path, clone], { result: node });
      checkDevice(context, node, device);
      setAttributes(plan, plan.slotRef(node), { set: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC });
      attach(plan, plan.slotRef(node), plan.slotRef(target));
    });
  });
}

/** The config names a device by its numbers; what lies on the host under that path may be another, or no device at all. */
function checkDevice(context: StepContext, node: Slot, device: DeviceNode): void {
  const { plan, config } = context;
  const { type, major, minor, path } = device;
  const wrong = plan.label();
  const fine = plan.label();
  branchUnlessDevice(plan, node, device, wrong);
  plan.jump(fine);
  plan.place(wrong);
  const index = (config.linux?.devices ?? []).findIndex((other) => other.path === path);
  const step = {
    sentence: `bind the device ${path}: the host has another there than ${type === 'b' ? 'block' : 'character'} device ${major}:${minor}`,
    ...(index === -1 ? {} : { pointer: pointer('linux', 'devices', index) }),
    hint: 'in a user namespace no device can be made: the one of the same path is taken from the host',
  };
  plan.step(step, () => plan.fail(ERRNO.ENODEV));
  plan.place(fine);
}
