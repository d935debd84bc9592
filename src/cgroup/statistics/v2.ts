// Statistics of v2. Pure, but for what `read` does. Where v1 and v2 count differently the numbers are put as v1 has them, as in runc.

import { NO_LIMIT, nonEmpty, nonZero, parseIoStat, parseKeyed, parseNumber, parsePressure } from './parse.ts';
import type {
  BlockStatistics,
  CpuStatistics,
  HugetlbEntry,
  MemoryEntry,
  MemoryStatistics,
  PidsStatistics,
  PressureStatistics,
  ReadControlFile,
} from './types.ts';

const NANOSECONDS = 1000n;
const NOTHING: MemoryEntry = { limit: 0n, failcnt: 0n };

export function cpuV2(read: ReadControlFile): CpuStatistics {
  const stat = parseKeyed(read('cpu.stat'));
  const microseconds = (name: string) => (stat[name] ?? 0n) * NANOSECONDS;
  return {
    usage: {
      ...nonZero({ total: microseconds('usage_usec') }),
      kernel: microseconds('system_usec'),
      user: microseconds('user_usec'),
    },
    throttling: nonZero({
      periods: stat['nr_periods'] ?? 0n,
      throttledPeriods: stat['nr_throttled'] ?? 0n,
      throttledTime: microseconds('throttled_usec'),
    }),
    ...pressure(read('cpu.pressure')),
  };
}

export function memoryV2(read: ReadControlFile): MemoryStatistics {
  const raw = parseKeyed(read('memory.stat'));
  const usage = memoryEntry(read, 'memory');
  const swap = memoryEntry(read, 'memory.swap');
  // v1 counts memory and swap together; of the two peaks no sum can be made. Without swap accounting both are 0.
  const together: MemoryEntry = {
    limit: swap.limit === NO_LIMIT ? NO_LIMIT : swap.limit + usage.limit,
    ...nonZero({ usage: (swap.usage ?? 0n) + (usage.usage ?? 0n) }),
    failcnt: 0n,
  };
  return {
    ...nonZero({ cache: raw['file'] ?? 0n }),
    usage,
    swap: together,
    kernel: NOTHING,
    kernelTCP: NOTHING,
    ...(Object.keys(raw).length === 0 ? {} : { raw }),
    ...pressure(read('memory.pressure')),
  };
}

function memoryEntry(read: ReadControlFile, prefix: string): MemoryEntry {
  return {
    limit: parseNumber(read(`${prefix}.max`)),
    ...nonZero({ usage: parseNumber(read(`${prefix}.current`)), max: parseNumber(read(`${prefix}.peak`)) }),
    failcnt: 0n,
  };
}

/** Controller pids, of both versions; where v2 has it not enabled the processes are counted. */
export function pids(read: ReadControlFile): PidsStatistics {
  const current = read('pids.current');
  if (current === undefined) {
    const processes = (read('cgroup.procs') ?? '').split('\n').length - 1;
    return nonZero({ current: BigInt(processes) });
  }
  const limit = parseNumber(read('pids.max'));
  return nonZero({ current: parseNumber(current), limit: limit === NO_LIMIT ? 0n : limit });
}

export function blkioV2(read: ReadControlFile): BlockStatistics {
  const { bytes, operations } = parseIoStat(read('io.stat'));
  return {
    ...nonEmpty({ ioServiceBytesRecursive: bytes, ioServicedRecursive: operations }),
    ...pressure(read('io.pressure')),
  };
}

export function hugetlbV2(read: ReadControlFile, sizes: readonly string[]): Record<string, HugetlbEntry> {
  const found: Record<string, HugetlbEntry> = {};
  for (const size of sizes) {
    const usage = read(`hugetlb.${size}.rsvd.current`) ?? read(`hugetlb.${size}.current`);
    if (usage === undefined) continue;
    found[size] = {
      ...nonZero({ usage: parseNumber(usage) }),
      failcnt: parseKeyed(read(`hugetlb.${size}.events`))['max'] ?? 0n,
    };
  }
  return found;
}

function pressure(text: string | undefined): { readonly psi?: PressureStatistics } {
  const psi = parsePressure(text);
  return psi === undefined ? {} : { psi };
}
