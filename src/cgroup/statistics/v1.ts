// Statistics of v1 controllers. Pure, but for what `read` does.

import {
  nonEmpty,
  nonZero,
  parseBlkio,
  parseKeyed,
  parseList,
  parseNumber,
  parseNumbers,
  parseSigned,
  parseUsageAll,
} from './parse.ts';
import type {
  BlockStatistics,
  CpusetStatistics,
  CpuUsage,
  HugetlbEntry,
  MemoryEntry,
  MemoryStatistics,
  ReadControlFile,
  Throttling,
} from './types.ts';

/** Nanoseconds in a clock tick of cpuacct.stat: USER_HZ is 100 on every architecture that runt runs on. */
const TICK = 10_000_000n;

/** Controller cpuacct. */
export function cpuUsageV1(read: ReadControlFile): CpuUsage {
  const ticks = parseKeyed(read('cpuacct.stat'));
  const all = parseUsageAll(read('cpuacct.usage_all'));
  return {
    ...nonZero({ total: parseNumber(read('cpuacct.usage')) }),
    ...nonEmpty({
      percpu: parseNumbers(read('cpuacct.usage_percpu')),
      percpu_kernel: all.kernel,
      percpu_user: all.user,
    }),
    kernel: (ticks['system'] ?? 0n) * TICK,
    user: (ticks['user'] ?? 0n) * TICK,
  };
}

/** Controller cpu. */
export function throttlingV1(read: ReadControlFile): Throttling {
  const stat = parseKeyed(read('cpu.stat'));
  return nonZero({
    periods: stat['nr_periods'] ?? 0n,
    throttledPeriods: stat['nr_throttled'] ?? 0n,
    throttledTime: stat['throttled_time'] ?? 0n,
  });
}

/** Controller cpuset. A `read` that finds nothing gives the zeros that stand for "no such controller". */
export function cpusetV1(read: ReadControlFile): CpusetStatistics {
  const flag = (name: string) => parseNumber(read(`cpuset.${name}`));
  return {
    ...nonEmpty({ cpus: parseList(read('cpuset.cpus')) }),
    cpu_exclusive: flag('cpu_exclusive'),
    ...nonEmpty({ mems: parseList(read('cpuset.mems')) }),
    mem_hardwall: flag('mem_hardwall'),
    mem_exclusive: flag('mem_exclusive'),
    memory_migrate: flag('memory_migrate'),
    memory_spread_page: flag('memory_spread_page'),
    memory_spread_slab: flag('memory_spread_slab'),
    memory_pressure: flag('memory_pressure'),
    sched_load_balance: flag('sched_load_balance'),
    sched_relax_domain_level: parseSigned(read('cpuset.sched_relax_domain_level')),
  };
}

/** Controller memory. */
export function memoryV1(read: ReadControlFile): MemoryStatistics {
  const raw = parseKeyed(read('memory.stat'));
  const entry = (prefix: string): MemoryEntry => ({
    limit: parseNumber(read(`${prefix}.limit_in_bytes`)),
    ...nonZero({
      usage: parseNumber(read(`${prefix}.usage_in_bytes`)),
      max: parseNumber(read(`${prefix}.max_usage_in_bytes`)),
    }),
    failcnt: parseNumber(read(`${prefix}.failcnt`)),
  });
  return {
    ...nonZero({ cache: raw['cache'] ?? 0n }),
    usage: entry('memory'),
    swap: entry('memory.memsw'),
    kernel: entry('memory.kmem'),
    kernelTCP: entry('memory.kmem.tcp'),
    ...(Object.keys(raw).length === 0 ? {} : { raw }),
  };
}

/** The families of v1's block statistics, the best first: BFQ with debugging, BFQ, CFQ, throttling with and without what is below. */
const FAMILIES: readonly { readonly prefix: string; readonly suffix: string; readonly all: boolean }[] = [
  { prefix: 'blkio.bfq.', suffix: '_recursive', all: true },
  { prefix: 'blkio.bfq.', suffix: '_recursive', all: false },
  { prefix: 'blkio.', suffix: '_recursive', all: true },
  { prefix: 'blkio.throttle.', suffix: '_recursive', all: false },
  { prefix: 'blkio.throttle.', suffix: '', all: false },
];

/** Controller blkio: of the first family in which something was counted. */
export function blkioV1(read: ReadControlFile): BlockStatistics {
  for (const { prefix, suffix, all } of FAMILIES) {
    const table = (name: string) => read(`${prefix}${name}${suffix}`);
    if (parseBlkio(table(all ? 'sectors' : 'io_serviced')).length === 0) continue;
    const more = (name: string) => (all ? parseBlkio(table(name)) : []);
    return nonEmpty({
      ioServiceBytesRecursive: parseBlkio(table('io_service_bytes')),
      ioServicedRecursive: parseBlkio(table('io_serviced')),
      ioQueueRecursive: more('io_queued'),
      ioServiceTimeRecursive: more('io_service_time'),
      ioWaitTimeRecursive: more('io_wait_time'),
      ioMergedRecursive: more('io_merged'),
      ioTimeRecursive: more('time'),
      sectorsRecursive: more('sectors'),
    });
  }
  return {};
}

/** Controller hugetlb. `rsvd`: reservations, which are what is limited, on Linux 5.7 and later. */
export function hugetlbV1(read: ReadControlFile, sizes: readonly string[]): Record<string, HugetlbEntry> {
  const found: Record<string, HugetlbEntry> = {};
  for (const size of sizes) {
    for (const prefix of [`hugetlb.${size}.rsvd`, `hugetlb.${size}`]) {
      const usage = read(`${prefix}.usage_in_bytes`);
      if (usage === undefined) continue;
      found[size] = {
        ...nonZero({ usage: parseNumber(usage), max: parseNumber(read(`${prefix}.max_usage_in_bytes`)) }),
        failcnt: parseNumber(read(`${prefix}.failcnt`)),
      };
      break;
    }
  }
  return found;
}
