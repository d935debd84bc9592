// Limits as properties of a unit (systemd.resource-control(5)): what systemd is not told it would undo when it writes the files of a cgroup
// anew, as it does at `systemctl daemon-reload`. What it has no property for is in the files alone, which are written as
// without systemd. Pure.

import type { BusValue } from '../../linux/sd-bus.ts';

export interface UnitProperty {
  readonly name: string;
  readonly signature: string;
  readonly value: BusValue;
}

/** A limit as it is written to a file of the container's cgroup. */
export interface LimitFile {
  readonly version: 1 | 2;
  readonly file: string;
  readonly value: string;
}

/** "infinity" of systemd: UINT64_MAX. */
const INFINITY = 0xffff_ffff_ffff_ffffn;

/** Properties that take the number as it is, by file; `max` and −1 mean no limit. */
const NUMBERS: Readonly<Record<1 | 2, Readonly<Record<string, string>>>> = {
  1: {
    'memory.limit_in_bytes': 'MemoryLimit',
    'cpu.shares': 'CPUShares',
    'blkio.weight': 'BlockIOWeight',
    'pids.max': 'TasksMax',
  },
  2: {
    'memory.max': 'MemoryMax',
    'memory.high': 'MemoryHigh',
    'memory.low': 'MemoryLow',
    'memory.min': 'MemoryMin',
    'memory.swap.max': 'MemorySwapMax',
    'cpu.weight': 'CPUWeight',
    'io.weight': 'IOWeight',
    'pids.max': 'TasksMax',
  },
};

const CPU_SETS: Readonly<Record<string, string>> = {
  'cpuset.cpus': 'AllowedCPUs',
  'cpuset.mems': 'AllowedMemoryNodes',
};

/** `systemd`: its version, which decides what it knows. A property appears once, with the last value. */
export function limitProperties(limits: readonly LimitFile[], systemd: number): readonly UnitProperty[] {
  const found = new Map<string, UnitProperty>();
  const set = (name: string, signature: string, value: BusValue): void => {
    found.delete(name);
    found.set(name, { name, signature, value });
  };
  let quota = 0n;
  let period = 0n;
  for (const { version, file, value } of limits) {
    const name = NUMBERS[version][file];
    if (name !== undefined) {
      const number = parseLimit(file === 'io.weight' ? value.replace(/^default /, '') : value);
      if (number !== undefined) set(name, 't', number);
      continue;
    }
    const cpuSet = CPU_SETS[file];
    if (cpuSet !== undefined) {
      const bits = cpuSetBits(value);
      if (systemd >= 244 && bits !== undefined) set(cpuSet, 'ay', bits);
      continue;
    }
    const [first = '', second] = value.trim().split(/\s+/);
    if (version === 2 && file === 'cpu.max') {
      quota = parseLimit(first) ?? quota;
      period = second === undefined ? period : (parseLimit(second) ?? period);
    } else if (version === 1 && file === 'cpu.cfs_quota_us') quota = parseLimit(first) ?? quota;
    else if (version === 1 && file === 'cpu.cfs_period_us') period = parseLimit(first) ?? period;
    // 0 is SCHED_IDLE since version 252.
    else if (version === 2 && file === 'cpu.idle' && first === '1' && systemd >= 252) set('CPUWeight', 't', 0n);
  }
  if (period !== 0n && systemd >= 242) set('CPUQuotaPeriodUSec', 't', period);
  if (quota !== 0n || period !== 0n) set('CPUQuotaPerSecUSec', 't', quotaPerSecond(quota, period));
  return [...found.values()];
}

const DEFAULT_PERIOD = 100_000n;
/** In microseconds of one second. */
const PERCENT = 10_000n;
const SECOND = 1_000_000n;

/** systemd keeps whole percents: rounded up, so that no cgroup below is refused the quota that was asked for. */
function quotaPerSecond(quota: bigint, period: bigint): bigint {
  if (quota === 0n || quota === INFINITY) return INFINITY;
  const perSecond = (quota * SECOND) / (period === 0n ? DEFAULT_PERIOD : period);
  return ((perSecond + PERCENT - 1n) / PERCENT) * PERCENT;
}

/** The quota that is left of one when systemd has rounded it; in microseconds, as the period, of which 0 is the default one. */
export function wholePercents(quota: bigint, period: bigint): bigint {
  if (quota === 0n) return quota;
  const of = period === 0n ? DEFAULT_PERIOD : period;
  return ((quota * SECOND) / of) % PERCENT === 0n ? quota : (quotaPerSecond(quota, of) * of) / SECOND;
}

const UNITS: Readonly<Record<string, bigint>> = { '': 0n, k: 10n, m: 20n, g: 30n, t: 40n };

/** A number as the kernel reads it, with K, M, G or T behind it; `max` and −1. undefined: something else, which the kernel is to judge. */
function parseLimit(text: string): bigint | undefined {
  const value = text.trim();
  if (value === 'max' || value === '-1') return INFINITY;
  const [, digits, unit] = /^(\d+)([kmgt]?)$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const number = BigInt(digits) << (UNITS[unit?.toLowerCase() ?? ''] ?? 0n);
  return number > INFINITY ? INFINITY : number;
}

/** More processors than any kernel knows (CONFIG_NR_CPUS of x86-64). */
const MAX_BIT = 8192;

/** `0-2,5` (cpuset(7), "List format") as bytes, the lowest bit of the first byte for 0; undefined: not in that format. */
export function cpuSetBits(list: string): Uint8Array | undefined {
  const bits = new Set<number>();
  for (const range of list.trim().split(',')) {
    const [, from, to] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
    const [low, high] = [Number(from), Number(to ?? from)];
    if (from === undefined || low > high || high >= MAX_BIT) return undefined;
    for (let bit = low; bit <= high; bit++) bits.add(bit);
  }
  const bytes = new Uint8Array(Math.floor(Math.max(...bits) / 8) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return bytes;
}
