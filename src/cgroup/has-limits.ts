// Whether a config asks for limits at all: if not, nothing of resources/ is loaded.

import type { LinuxResources } from '../spec/generated/types.ts';

/** All properties of linux.resources in the specification 1.3 but `devices`. */
const LIMITS = ['memory', 'cpu', 'pids', 'blockIO', 'hugepageLimits', 'network', 'rdma', 'unified'] as const;

/** Objects and arrays that hold nothing ask for nothing, nor do the values by which Docker says "not set". */
export function hasLimits(resources: LinuxResources | undefined): boolean {
  if (resources === undefined) return false;
  for (const name of LIMITS) {
    const fields = resources[name];
    if (fields === undefined) continue;
    for (const [key, value] of Object.entries(fields)) if (!isNeutral(key, value)) return true;
  }
  return false;
}

function isNeutral(key: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (key === 'shares' || key === 'weight') return value === 0;
  if (key === 'disableOOMKiller') return value === false;
  return Array.isArray(value) && value.length === 0;
}
