// What `events` tells of a container's use of resources. Names, nesting, order and what is left out when it is zero are those of runc's
// types/events.go, which engines parse. Counters are bigints: "no limit" is 2^64 - 1, which no number of JavaScript is.

/** Text of a control file of the container's cgroup; undefined where the kernel has no such file. */
export type ReadControlFile = (file: string) => string | undefined;

export interface CpuUsage {
  /** Nanoseconds, as are all of these. */
  readonly total?: bigint;
  /** One a processor. */
  readonly percpu?: readonly bigint[];
  readonly percpu_kernel?: readonly bigint[];
  readonly percpu_user?: readonly bigint[];
  readonly kernel: bigint;
  readonly user: bigint;
}

export interface Throttling {
  readonly periods?: bigint;
  readonly throttledPeriods?: bigint;
  /** Nanoseconds. */
  readonly throttledTime?: bigint;
}

/** Pressure stall information: percentages of the last 10, 60 and 300 seconds, and microseconds altogether (psi.rst). */
export interface Pressure {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
}

export interface PressureStatistics {
  readonly some?: Pressure;
  readonly full?: Pressure;
}

export interface CpuStatistics {
  readonly usage: CpuUsage;
  readonly throttling: Throttling;
  readonly psi?: PressureStatistics;
}

/** v1 only; zeros with v2, as in runc. */
export interface CpusetStatistics {
  readonly cpus?: readonly number[];
  readonly cpu_exclusive: bigint;
  readonly mems?: readonly number[];
  readonly mem_hardwall: bigint;
  readonly mem_exclusive: bigint;
  readonly memory_migrate: bigint;
  readonly memory_spread_page: bigint;
  readonly memory_spread_slab: bigint;
  readonly memory_pressure: bigint;
  readonly sched_load_balance: bigint;
  readonly sched_relax_domain_level: bigint;
}

/** Bytes; failcnt counts. */
export interface MemoryEntry {
  readonly limit: bigint;
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
}

export interface MemoryStatistics {
  readonly cache?: bigint;
  readonly usage: MemoryEntry;
  /** Memory and swap together. */
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  /** The lines of memory.stat. */
  readonly raw?: Readonly<Record<string, bigint>>;
  readonly psi?: PressureStatistics;
}

export interface PidsStatistics {
  readonly current?: bigint;
  /** Absent where there is none. */
  readonly limit?: bigint;
}

export interface BlockEntry {
  readonly major?: bigint;
  readonly minor?: bigint;
  readonly op?: string;
  readonly value?: bigint;
}

export interface BlockStatistics {
  readonly ioServiceBytesRecursive?: readonly BlockEntry[];
  readonly ioServicedRecursive?: readonly BlockEntry[];
  readonly ioQueueRecursive?: readonly BlockEntry[];
  readonly ioServiceTimeRecursive?: readonly BlockEntry[];
  readonly ioWaitTimeRecursive?: readonly BlockEntry[];
  readonly ioMergedRecursive?: readonly BlockEntry[];
  readonly ioTimeRecursive?: readonly BlockEntry[];
  readonly sectorsRecursive?: readonly BlockEntry[];
  readonly psi?: PressureStatistics;
}

export interface HugetlbEntry {
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
}

export interface Statistics {
  readonly cpu: CpuStatistics;
  readonly cpuset: CpusetStatistics;
  readonly memory: MemoryStatistics;
  readonly pids: PidsStatistics;
  readonly blkio: BlockStatistics;
  /** By page size: `2MB`, `1GB`. */
  readonly hugetlb: Readonly<Record<string, HugetlbEntry>>;
  /** Of linux.intelRdt; the control groups know nothing of it. */
  readonly intel_rdt: object;
  /** Of interfaces that the runtime made: none. */
  readonly network_interfaces: null;
}
