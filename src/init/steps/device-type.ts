// Whether an open file is the device that is meant (statx(2)).

import { AT_EMPTY_PATH } from '../../linux/mount-constants.ts';
import { S_IF, STATX, STATX_MASK } from '../../linux/statx.ts';
import type { PlanBuilder } from '../builder.ts';
import type { DataRef, Label, Slot } from '../plan.ts';
import { scratch } from './context.ts';

/** The types of the config's devices (mknod(1)) as bits of st_mode. */
export const DEVICE_TYPES = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

export interface DeviceType {
  readonly type: keyof typeof DEVICE_TYPES;
  readonly major: number;
  readonly minor: number;
}

/** A FIFO has no numbers. */
export function branchUnlessDevice(plan: PlanBuilder, file: Slot, { type, major, minor }: DeviceType, to: Label): void {
  const status = scratch(plan, 'statx', STATX.sizeOf);
  const empty = plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
  plan.call('statx', [plan.slotRef(file), '', empty, plan.value(STATX_MASK.type, 'STATX_TYPE'), status]);
  plan.withSlot((value) => {
    if (type !== 'p') {
      plan.load(value, plan.addressOf(status, STATX.major), 4);
      plan.branch(value, 'notEqual', major, to);
      plan.load(value, plan.addressOf(status, STATX.minor), 4);
      plan.branch(value, 'notEqual', minor, to);
    }
    branchUnlessType(plan, status, value, DEVICE_TYPES[type], to);
  });
}

/**
 * `status`: a struct statx; the slot is used for it. The type is in the upper four bits of the mode's sixteen; those of set-id and sticky, and one
 * permission, are the rest of its byte.
 */
export function branchUnlessType(plan: PlanBuilder, status: DataRef, value: Slot, type: number, to: Label): void {
  plan.load(value, plan.addressOf(status, STATX.mode + 1), 1);
  plan.branch(value, 'less', type >> 8, to);
  plan.branch(value, 'greaterOrEqual', (type >> 8) + 16, to);
}

export function branchUnlessDirectory(plan: PlanBuilder, file: Slot, to: Label): void {
  const status = scratch(plan, 'statx', STATX.sizeOf);
  const empty = plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
  plan.call('statx', [plan.slotRef(file), '', empty, plan.value(STATX_MASK.type, 'STATX_TYPE'), status]);
  plan.withSlot((value) => branchUnlessType(plan, status, value, S_IF.directory, to));
}
