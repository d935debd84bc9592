// linux.resources.cpu (config-linux.md, "CPU"). 0 means "not set" for all but burst and idle; times are in microseconds.

import { refuseOnV2, resourcePointer, type Writer } from './write.ts';

/** cpu.max without a limit, and the kernel's default period. */
export const DEFAULT_PERIOD = 100_000;

const at = (name: string): string => resourcePointer('cpu', name);

export function cpuWrites(writer: Writer): void {
  const { cpu } = writer.resources;
  if (cpu === undefined) return;
  const { shares = 0, quota = 0, period = 0, burst, realtimeRuntime = 0, realtimePeriod = 0, cpus, mems, idle } = cpu;
  if (shares !== 0) writeShares(writer, shares);
  // After the shares: an idle cgroup takes none. Where it is idle and no more to be, the second round brings them.
  if (idle !== undefined) {
    const version = writer.require('cpu', at('idle'));
    const value = writer.integer(idle, at('idle'));
    writer.add({ controller: 'cpu', version, file: 'cpu.idle', value, pointer: at('idle'), group: 'weight' });
  }
  if (quota !== 0 || period !== 0) writeBandwidth(writer, quota, period);
  if (burst !== undefined) {
    const version = writer.require('cpu', at('burst'));
    const file = version === 1 ? 'cpu.cfs_burst_us' : 'cpu.max.burst';
    const value = writer.integer(burst, at('burst'));
    const old = burst === 0 ? ({ mayBeMissing: true } as const) : {};
    writer.add({ controller: 'cpu', version, file, value, pointer: at('burst'), group: 'bandwidth', ...old });
  }
  writeRealtime(writer, 'realtimePeriod', 'cpu.rt_period_us', realtimePeriod);
  writeRealtime(writer, 'realtimeRuntime', 'cpu.rt_runtime_us', realtimeRuntime);
  for (const [name, value] of [
    ['cpus', cpus],
    ['mems', mems],
  ] as const) {
    if (value === undefined || value === '') continue;
    const version = writer.require('cpuset', at(name));
    writer.add({ controller: 'cpuset', version, file: `cpuset.${name}`, value, pointer: at(name) });
  }
}

function writeShares(writer: Writer, shares: number): void {
  const version = writer.require('cpu', at('shares'));
  const common = { controller: 'cpu', version, pointer: at('shares'), group: 'weight' } as const;
  if (version === 2) writer.add({ ...common, file: 'cpu.weight', value: String(cpuWeight(shares)) });
  else writer.add({ ...common, file: 'cpu.shares', value: writer.integer(shares, at('shares')), verify: true });
}

function writeBandwidth(writer: Writer, quota: number, period: number): void {
  const pointer = at(quota === 0 ? 'period' : 'quota');
  const version = writer.require('cpu', pointer);
  const common = { controller: 'cpu', version, group: 'bandwidth' } as const;
  if (version === 2) {
    const value = cpuMax(quota, period);
    writer.add({ ...common, file: 'cpu.max', value, pointer });
    return;
  }
  if (period !== 0) {
    const value = writer.integer(period, at('period'));
    writer.add({ ...common, file: 'cpu.cfs_period_us', value, pointer: at('period') });
  }
  if (quota !== 0) {
    const value = writer.integer(quota, at('quota'));
    writer.add({ ...common, file: 'cpu.cfs_quota_us', value, pointer: at('quota') });
  }
}

/** cpu.max of v2 from quota and period of v1. */
export function cpuMax(quota: number, period: number): string {
  return `${quota > 0 ? quota : 'max'} ${period === 0 ? DEFAULT_PERIOD : period}`;
}

function writeRealtime(writer: Writer, name: 'realtimePeriod' | 'realtimeRuntime', file: string, value: number): void {
  if (value === 0) return;
  const version = writer.require('cpu', at(name));
  if (version === 2) refuseOnV2(`linux.resources.cpu.${name}`, at(name));
  const text = writer.integer(value, at(name));
  writer.add({ controller: 'cpu', version, file, value: text, pointer: at(name), group: 'realtime' });
}

/**
 * cpu.weight of v2 (1 to 10000) from cpu.shares of v1 (2 to 262144): the quadratic function, on logarithms, through both ends and
 * the defaults (1024 is 100) that runc has from 1.3.2 and crun from 1.23. 0, "not set", stays 0.
 */
export function cpuWeight(shares: number): number {
  if (shares === 0) return 0;
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}
