// On which processors a process may run: sched_setaffinity(2), and lists as in cpuset(7), "Formats".

import { fail } from '../../error.ts';
import { bitMask, parseNumberList } from '../../linux/number-list.ts';
import type { PlanBuilder } from '../builder.ts';

/** CONFIG_NR_CPUS is at most 8192. */
const MOST = 8192;

/** Nothing where there is no list. Throws `config` for what is none. */
export function setAffinity(plan: PlanBuilder, list: string | undefined, pointer: string): void {
  if (list === undefined || list === '') return;
  const mask = processorMask(list, pointer);
  plan.step(
    { sentence: `run on the processors ${list}`, pointer, hint: 'the cpuset cgroup may allow others only' },
    () => plan.call('sched_setaffinity', [0, mask.length, plan.constant(mask, `[${list}]`)]),
  );
}

/**
 * The caller's processors are not the container's: those of its cpuset are. Kernels since 6.2 remember, through the move to another cpuset,
 * what sched_setaffinity once said.
 */
export function resetAffinity(plan: PlanBuilder): void {
  plan.step({ sentence: 'run on all processors that the cgroup allows' }, () => {
    const all = plan.constant(new Uint8Array(MASK_SIZE).fill(0xff), '[all]');
    plan.call('sched_setaffinity', [0, MASK_SIZE, all], { ignoreErrors: true });
  });
}
/** Bytes, for 1024 processors: as the C library's cpu_set_t. */
const MASK_SIZE = 128;

/** `0-3,7` as a bit mask of whole 64-bit words. */
export function processorMask(list: string, pointer = '/process/execCPUAffinity/initial'): Uint8Array {
  const numbers = parseNumberList(list, MOST);
  if (numbers === undefined)
    fail({
      code: 'config',
      message: `${JSON.stringify(list)} is no list of processors`,
      pointer,
      hint: 'numbers and ranges, as in "0-3,7"',
    });
  return bitMask(numbers);
}
