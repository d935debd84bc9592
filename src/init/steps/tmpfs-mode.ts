// The mode of a tmpfs that the config gives none: that of the directory it covers, as in runc. Without it, /run or a directory that only
// root may enter would become 1777, the kernel's choice.

import { AT_EMPTY_PATH, O_DIRECTORY } from '../../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../../linux/statx.ts';
import type { Slot } from '../plan.ts';
import { openInRoot, type StepContext, scratch } from './context.ts';

export function takesModeOfDirectory(type: string, options: readonly string[]): boolean {
  return type === 'tmpfs' && !options.some((option) => option.startsWith('mode='));
}

/** `made`: the mount, still detached. Before its mount point is made: a directory that runt makes has no mode that anybody chose. */
export function takeModeOfDirectory(context: StepContext, destination: string, made: Slot): void {
  const { plan } = context;
  const missing = plan.label();
  plan.withSlot((covered) => {
    // What is no directory is refused where the mount is attached.
    openInRoot(context, destination, {
      flags: O_DIRECTORY,
      result: covered,
      on: { ENOENT: missing, ENOTDIR: missing },
    });
    const status = scratch(plan, 'statx', STATX.sizeOf);
    const empty = plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
    plan.call('statx', [plan.slotRef(covered), '', empty, plan.value(STATX_MASK.mode, 'STATX_MODE'), status]);
    plan.withSlot((mode) => {
      plan.load(mode, plan.addressOf(status, STATX.mode), 2);
      plan.call('fchmodat', [plan.slotRef(made), '.', plan.slotRef(mode)]);
    });
  });
  plan.place(missing);
}
