// Limits that a scope of systemd can't have as they are given: what it keeps of them is what is written to the kernel, too, or a `systemctl daemon-reload`
// would change them. As runc does since 1.5. Pure.

import type { Limits } from '../limits.ts';
import { type ResourceWrite, resourcePointer } from '../resources/write.ts';
import { wholePercents } from './properties.ts';

/** Pointers to what is written as it is, whatever systemd makes of it. */
const UNIFIED = resourcePointer('unified');

/** The limits as they are for a scope; warnings are added to those that are there. */
export function limitsOfScope({ writes, warnings }: Limits): Limits {
  const isIdle = writes.findLast(isOf('cpu.idle'))?.value.trim() === '1';
  const left = isIdle ? writes.filter(isOf('cpu.weight')) : [];
  const period = writes.findLast(({ version, file }) => version === 1 && file === 'cpu.cfs_period_us')?.value;
  return {
    warnings: [...warnings, ...left.map(ignoredWeight)],
    writes: writes.filter((write) => !left.includes(write)).map((write) => withQuotaOfScope(write, period)),
  };
}

const isOf =
  (name: string) =>
  ({ version, file }: ResourceWrite): boolean =>
    version === 2 && file === name;

/** systemd (since 252) has one property for both: the weight 0 is that of an idle cgroup. The kernel takes no weight for one, either. */
function ignoredWeight({ value, pointer }: ResourceWrite): Limits['warnings'][number] {
  const message = `unable to apply both: cpu.idle (1) and cpu.weight (${value}) are one property of a systemd scope; the weight is ignored until it is idle no more`;
  return { message, pointer };
}

/** `period`: of v1, which has a file for it; undefined: the kernel's default. */
function withQuotaOfScope(write: ResourceWrite, period: string | undefined): ResourceWrite {
  if (write.pointer.startsWith(UNIFIED)) return write;
  if (write.version === 2 && write.file === 'cpu.max') {
    const [quota = '', own = ''] = write.value.split(' ');
    return { ...write, value: `${rounded(quota, own)} ${own}` };
  }
  if (write.version === 1 && write.file === 'cpu.cfs_quota_us')
    return { ...write, value: rounded(write.value, period) };
  return write;
}

function rounded(quota: string, period: string | undefined): string {
  return /^\d+$/.test(quota) ? String(wholePercents(BigInt(quota), BigInt(period ?? 0))) : quota;
}
