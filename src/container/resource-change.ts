// What an update makes of a container's resources. Pure.

import type { BlockIoResources, LinuxResources } from '../spec/generated/types.ts';

/** As runc reads a change: memory without a limit means memory and swap without one, unless a limit of both is given. */
export function completeChange(change: LinuxResources): LinuxResources {
  const { memory } = change;
  return memory?.limit === -1 && memory.swap === undefined ? { ...change, memory: { ...memory, swap: 0 } } : change;
}

/** The resources after the change, which wins field by field; devices of blockIO are matched by number, as by runc. */
export function mergeResources(before: LinuxResources, change: LinuxResources): LinuxResources {
  const merged: Record<string, unknown> = { ...before };
  for (const name of ['memory', 'cpu', 'pids', 'network', 'rdma', 'unified'] as const)
    if (change[name] !== undefined) merged[name] = { ...before[name], ...change[name] };
  if (change.blockIO !== undefined) merged['blockIO'] = mergeBlockIo(before.blockIO ?? {}, change.blockIO);
  if (change.hugepageLimits !== undefined)
    merged['hugepageLimits'] = mergeBy(before.hugepageLimits, change.hugepageLimits, ({ pageSize }) => pageSize);
  if (change.devices !== undefined) merged['devices'] = change.devices;
  return merged;
}

const DEFAULT_SHARES = 1024;

/**
 * The change as it is for a scope of systemd, which (since 252) keeps weight and idleness in one property: a weight ends idleness, and what is idle no
 * more has its weight again, or systemd would make it idle once more at its next daemon-reload. The kernel alone takes no weight while a cgroup is idle.
 */
export function endIdleness(before: LinuxResources, change: LinuxResources): LinuxResources {
  const wasIdle = before.cpu?.idle === 1 || isOne(before.unified?.['cpu.idle']);
  const given = change.unified?.['cpu.idle'];
  const idle = given === undefined ? change.cpu?.idle : Number(isOne(given));
  const hasWeight = (change.cpu?.shares ?? 0) !== 0 || change.unified?.['cpu.weight'] !== undefined;
  if (!wasIdle || idle === 1 || (idle === undefined && !hasWeight)) return change;
  const weight = before.unified?.['cpu.weight'];
  const unified = {
    ...(before.unified?.['cpu.idle'] === undefined ? {} : { 'cpu.idle': '0' }),
    ...(hasWeight || weight === undefined ? {} : { 'cpu.weight': weight }),
    ...change.unified,
  };
  return {
    ...change,
    cpu: { ...change.cpu, ...(hasWeight ? {} : { shares: before.cpu?.shares || DEFAULT_SHARES }), idle: 0 },
    ...(Object.keys(unified).length === 0 ? {} : { unified }),
  };
}

const isOne = (text: string | undefined): boolean => text?.trim() === '1';

function mergeBlockIo(before: BlockIoResources, change: BlockIoResources): BlockIoResources {
  const merged: Record<string, unknown> = { ...before, ...change };
  for (const name of [
    'weightDevice',
    'throttleReadBpsDevice',
    'throttleWriteBpsDevice',
    'throttleReadIOPSDevice',
    'throttleWriteIOPSDevice',
  ] as const) {
    const devices: readonly { readonly major: number; readonly minor: number }[] | undefined = change[name];
    if (devices !== undefined) merged[name] = mergeBy(before[name], devices, ({ major, minor }) => `${major}:${minor}`);
  }
  return merged;
}

function mergeBy<T>(before: readonly T[] | undefined, change: readonly T[], key: (item: T) => string): readonly T[] {
  const merged = new Map((before ?? []).map((item) => [key(item), item]));
  for (const item of change) merged.set(key(item), { ...merged.get(key(item)), ...item });
  return [...merged.values()];
}

/**
 * What is to be written for the change: its fields, and those of the record that share a meaning with them. A limit of memory moves
 * that of swap, which v2 counts apart; quota and period are one file there. What the change does not touch stays as it is in the kernel.
 */
export function affectedResources(before: LinuxResources, change: LinuxResources): LinuxResources {
  const { memory, cpu } = change;
  return {
    ...change,
    ...(memory === undefined ? {} : { memory: { ...memory, ...coupledMemory(before, memory) } }),
    ...(cpu === undefined ? {} : { cpu: { ...cpu, ...coupledCpu(before, cpu) } }),
  };
}

function coupledMemory(before: LinuxResources, { limit = 0, swap }: NonNullable<LinuxResources['memory']>): object {
  if (limit === 0 && (swap ?? 0) === 0) return {};
  return {
    ...(limit === 0 && before.memory?.limit !== undefined ? { limit: before.memory.limit } : {}),
    ...(swap === undefined && before.memory?.swap !== undefined ? { swap: before.memory.swap } : {}),
  };
}

function coupledCpu(before: LinuxResources, { quota = 0, period = 0 }: NonNullable<LinuxResources['cpu']>): object {
  if (quota === 0 && period !== 0 && before.cpu?.quota !== undefined) return { quota: before.cpu.quota };
  if (period === 0 && quota !== 0 && before.cpu?.period !== undefined) return { period: before.cpu.period };
  return {};
}
