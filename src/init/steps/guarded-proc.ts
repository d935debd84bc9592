// Nothing of the container may lie inside its /proc but a few files: masks and writes of runt rely on what is there (CVE-2019-16884).

import { ERRNO } from '../../linux/errno.ts';
import { PROC_SUPER_MAGIC } from '../../linux/mount-constants.ts';
import type { Slot, Step } from '../plan.ts';
import { type StepContext, scratch } from './context.ts';

/** What may be put below /proc: files that lxcfs and the like emulate (the list is runc's). */
const ALLOWED_IN_PROC = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]);

export function mayBeMountedOn(destination: string): boolean {
  return !destination.startsWith('/proc/') || ALLOWED_IN_PROC.has(destination);
}

/** Fails if the open target turned out to lie in a procfs, by a link or whatever: masks and writes of runt rely on it (CVE-2019-16884). */
export function refuseProc({ plan }: StepContext, destination: string, target: Slot, step: Step): void {
  if (ALLOWED_IN_PROC.has(destination)) return;
  const status = scratch(plan, 'statfs', STATFS_SIZE);
  const fine = plan.label();
  plan.call('fstatfs', [plan.slotRef(target), status]);
  plan.withSlot((type) => {
    plan.load(type, status, 8);
    plan.branch(type, 'notEqual', PROC_SUPER_MAGIC, fine);
  });
  const refusal = {
    ...step,
    sentence: `${step.sentence}: it lies inside /proc`,
    hint: 'a link of the image leads there (CVE-2019-16884)',
  };
  plan.step(refusal, () => plan.fail(ERRNO.EPERM));
  plan.place(fine);
}
/** sizeof(struct statfs) on 64-bit machines. */
const STATFS_SIZE = 120;
