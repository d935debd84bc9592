// What `events` tells of a container's class of resctrl. Names, nesting and order are those of runc's types/events.go; what the host does not have
// is left out.

import { readdirSync, readFileSync } from 'node:fs';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import type { ClassRecord } from './class.ts';
import { schemataLine } from './schemata.ts';

export interface ClassStatistics {
  readonly l3_cache_info?: object;
  /** Lines of the default class, and of the container's. */
  readonly l3_cache_schema_root?: string;
  readonly l3_cache_schema?: string;
  readonly mem_bw_info?: object;
  readonly mem_bw_schema_root?: string;
  readonly mem_bw_schema?: string;
  readonly schemata?: readonly string[];
  /** Bytes, by domain. Where the container has no monitoring group of its own, those of all in its class. */
  readonly mbm_stats?: readonly object[];
  readonly cmt_stats?: readonly object[];
}

/** Empty where the class is gone. */
export function classStatistics({ root, path, monitoring }: ClassRecord): ClassStatistics {
  const own = read(`${path}/schemata`);
  if (own === undefined) return {};
  const all = read(`${root}/schemata`) ?? '';
  return {
    ...allocation(`${root}/info/L3`, ['cbm_mask', 'min_cbm_bits', 'num_closids'], (info) => ({
      l3_cache_info: info,
      l3_cache_schema_root: schemataLine(all, 'L3'),
      l3_cache_schema: schemataLine(own, 'L3'),
    })),
    ...allocation(`${root}/info/MB`, ['bandwidth_gran', 'delay_linear', 'min_bandwidth', 'num_closids'], (info) => ({
      mem_bw_info: info,
      mem_bw_schema_root: schemataLine(all, 'MB'),
      mem_bw_schema: schemataLine(own, 'MB'),
    })),
    schemata: own.split('\n').map((line) => line.trim()),
    ...monitored(`${monitoring ?? path}/mon_data`, read(`${root}/info/L3_MON/mon_features`)?.split('\n') ?? []),
  };
}

/** undefined values are left out of the JSON. */
function allocation(
  directory: string,
  names: readonly string[],
  tell: (info: object) => Readonly<Record<string, unknown>>,
): object {
  const values = names.map((name) => [name, read(`${directory}/${name}`)] as const);
  if (values.every(([, value]) => value === undefined)) return {};
  return tell(Object.fromEntries(values.map(([name, value]) => [name, name === 'cbm_mask' ? value : count(value)])));
}

function monitored(directory: string, features: readonly string[]): object {
  const of = (names: readonly string[]): object[] | undefined => {
    const known = names.filter((name) => features.includes(name));
    if (known.length === 0) return undefined;
    return domains(directory).map((domain) =>
      Object.fromEntries(known.map((name) => [name, count(read(`${directory}/${domain}/${name}`))])),
    );
  };
  return { mbm_stats: of(['mbm_total_bytes', 'mbm_local_bytes']), cmt_stats: of(['llc_occupancy']) };
}

function domains(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return [];
    throw error;
  }
}

/** "Unavailable" and "Error" are no counts. */
function count(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch (error) {
    const errno = errnoOf(error);
    // ENODEV, EIO: the group is just being removed, or the hardware counts nothing now.
    if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV || errno === ERRNO.EIO) return undefined;
    throw error;
  }
}
