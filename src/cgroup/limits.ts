// The limits of a container that is being made: planned before anything is, applied before its first process is in.
// Loaded only where a config asks for limits.

import type { LinuxResources } from '../spec/generated/types.ts';
import { controllersIn, versionFinder } from './controllers.ts';
import type { CgroupHost } from './host.ts';
import type { CgroupRecord } from './record.ts';
import { applyWrites } from './resources/apply.ts';
import { ignoredResources, type ResourceWrite, resourceWrites } from './resources/index.ts';

export interface Limits {
  readonly writes: readonly ResourceWrite[];
  readonly warnings: readonly { readonly message: string; readonly pointer: string }[];
}

/** Throws `config`, `unsupported`, `cgroup`: see resourceWrites. Changes nothing. */
export function planLimits(
  resources: LinuxResources,
  host: CgroupHost,
  exactInteger: (pointer: string) => bigint | undefined,
): Limits {
  const available = () => {
    const unified = host.hierarchies.find(({ version }) => version === 2);
    return unified === undefined ? [] : controllersIn(unified.mountPoint);
  };
  const writes = resourceWrites(resources, { ...versionFinder(host.hierarchies, available), exactInteger });
  return { writes, warnings: ignoredResources(resources) };
}

/** `refusals`: what handDownControllers could not enable. Throws `cgroup`; the cgroups are then to be removed. */
export function applyLimits(limits: Limits, record: CgroupRecord, refusals: ReadonlyMap<string, string>): void {
  applyWrites(limits.writes, { entries: record.cgroups, refusals });
}

/**
 * With systemd the launcher is in the container's cgroup, and clones init there. A limit of one process would refuse that: it is to be set
 * when init is there, and the launcher has ended. `later` is empty where there is no such limit.
 */
export function spareLauncher(limits: Limits): { readonly now: Limits; readonly later: readonly ResourceWrite[] } {
  const isCount = ({ file }: ResourceWrite): boolean => file === 'pids.max';
  const last = limits.writes.findLast(isCount);
  if (last?.value.trim() !== '1') return { now: limits, later: [] };
  return { now: { ...limits, writes: limits.writes.filter((write) => !isCount(write)) }, later: [last] };
}

/** v2 controllers that threads can't be under apart from their process (cgroups(7), "Threaded and domain controllers"). */
const DOMAIN_CONTROLLERS = ['memory', 'io', 'hugetlb', 'rdma', 'misc'];

export function domainLimit({ writes }: Limits): ResourceWrite | undefined {
  return writes.find(({ version, controller }) => version === 2 && DOMAIN_CONTROLLERS.includes(controller));
}
