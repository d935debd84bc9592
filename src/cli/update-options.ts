// The options of update, and what of linux.resources each one sets.

import type { OptionSpec } from './table.ts';

type Reading = 'size' | 'integer' | 'text';

interface Limit {
  readonly option: string;
  /** Section and field of linux.resources. */
  readonly field: readonly [section: string, field: string];
  readonly reading: Reading;
  readonly placeholder: string;
  readonly help: string;
}

export const UPDATE_LIMITS: readonly Limit[] = [
  {
    option: 'memory',
    field: ['memory', 'limit'],
    reading: 'size',
    placeholder: 'SIZE',
    help: 'most memory',
  },
  {
    option: 'memory-reservation',
    field: ['memory', 'reservation'],
    reading: 'size',
    placeholder: 'SIZE',
    help: 'memory that is left to the container where there is little (soft limit)',
  },
  {
    option: 'memory-swap',
    field: ['memory', 'swap'],
    reading: 'size',
    placeholder: 'SIZE',
    help: 'most memory and swap together',
  },
  {
    option: 'cpu-period',
    field: ['cpu', 'period'],
    reading: 'integer',
    placeholder: 'USEC',
    help: 'the period for --cpu-quota, in microseconds',
  },
  {
    option: 'cpu-quota',
    field: ['cpu', 'quota'],
    reading: 'integer',
    placeholder: 'USEC',
    help: 'most processor time in a period, in microseconds',
  },
  {
    option: 'cpu-burst',
    field: ['cpu', 'burst'],
    reading: 'integer',
    placeholder: 'USEC',
    help: 'unused time that may be saved for later, in microseconds',
  },
  {
    option: 'cpu-share',
    field: ['cpu', 'shares'],
    reading: 'integer',
    placeholder: 'N',
    help: 'weight for processor time (1024 is usual)',
  },
  {
    option: 'cpu-rt-period',
    field: ['cpu', 'realtimePeriod'],
    reading: 'integer',
    placeholder: 'USEC',
    help: 'the period for --cpu-rt-runtime, in microseconds (cgroup v1)',
  },
  {
    option: 'cpu-rt-runtime',
    field: ['cpu', 'realtimeRuntime'],
    reading: 'integer',
    placeholder: 'USEC',
    help: 'most real-time processor time in a period, in microseconds (cgroup v1)',
  },
  {
    option: 'cpuset-cpus',
    field: ['cpu', 'cpus'],
    reading: 'text',
    placeholder: 'LIST',
    help: 'the processors to use: 0-3,5',
  },
  {
    option: 'cpuset-mems',
    field: ['cpu', 'mems'],
    reading: 'text',
    placeholder: 'LIST',
    help: 'the memory nodes to use: 0-1',
  },
  {
    option: 'kernel-memory',
    field: ['memory', 'kernel'],
    reading: 'size',
    placeholder: 'SIZE',
    help: 'without effect, as in Linux itself',
  },
  {
    option: 'kernel-memory-tcp',
    field: ['memory', 'kernelTCP'],
    reading: 'size',
    placeholder: 'SIZE',
    help: 'most memory of TCP buffers (cgroup v1)',
  },
  {
    option: 'blkio-weight',
    field: ['blockIO', 'weight'],
    reading: 'integer',
    placeholder: 'N',
    help: 'weight for disk time, 10 to 1000',
  },
  {
    option: 'pids-limit',
    field: ['pids', 'limit'],
    reading: 'integer',
    placeholder: 'N',
    help: 'most processes and threads; 0 means 1',
  },
  {
    option: 'cpu-idle',
    field: ['cpu', 'idle'],
    reading: 'integer',
    placeholder: '0|1',
    help: 'with 1, the container is scheduled like SCHED_IDLE',
  },
];

/** What of linux.intelRdt each one sets, and how it begins. */
export const UPDATE_SCHEMAS = [
  {
    option: 'l3-cache-schema',
    field: 'l3CacheSchema',
    start: 'L3:',
    help: 'the parts of the L3 caches, as in L3:0=7f0;1=1f (Intel RDT)',
  },
  {
    option: 'mem-bw-schema',
    field: 'memBwSchema',
    start: 'MB:',
    help: 'the memory bandwidths, as in MB:0=20;1=70 (Intel RDT)',
  },
] as const;

export const UPDATE_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'resources',
    short: 'r',
    kind: 'text',
    placeholder: 'FILE',
    help: 'read linux.resources from this file, - is standard input; all other options but those of Intel RDT are ignored then',
  },
  ...UPDATE_LIMITS.map(
    ({ option, placeholder, help }): OptionSpec => ({ name: option, kind: 'text', placeholder, help }),
  ),
  ...UPDATE_SCHEMAS.map(
    ({ option, help }): OptionSpec => ({ name: option, kind: 'text', placeholder: 'SCHEMA', help }),
  ),
];
