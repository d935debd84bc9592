// What a class of resctrl is given, and whether it is what a class already has (kernel documentation, filesystems/resctrl.rst).

import type { IntelRdt } from '../spec/generated/types.ts';

const AT = '/linux/intelRdt';

/** One write to the file `schemata`. */
export interface SchemataWrite {
  /** Whole lines: the kernel takes no others. */
  readonly value: string;
  readonly pointer: string;
}

/**
 * In the order of the specification: caches, bandwidth, and then the lines of `schemata`, all together: the kernel checks every line of a write
 * before it changes anything. Empty counts as absent.
 */
export function schemataWrites({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: IntelRdt): SchemataWrite[] {
  const lines = schemata.filter((line) => line !== '');
  return [
    ...(l3CacheSchema === '' ? [] : [{ value: `${l3CacheSchema}\n`, pointer: `${AT}/l3CacheSchema` }]),
    ...(memBwSchema === '' ? [] : [{ value: `${memBwSchema}\n`, pointer: `${AT}/memBwSchema` }]),
    ...(lines.length === 0 ? [] : [{ value: `${lines.join('\n')}\n`, pointer: `${AT}/schemata` }]),
  ];
}

/** The line of a resource, without what the kernel pads it with. */
export function schemataLine(text: string, resource: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line.startsWith(`${resource}:`));
}

/** By resource (`L3`, `MB`) what each domain (cache id) has. */
type Schemata = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** `L3:0=7ff;1=7ff` and the like, a resource a line; the kernel pads names and numbers with blanks. */
function parse(text: string): Schemata {
  const resources = new Map<string, ReadonlyMap<string, string>>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const domains = new Map<string, string>();
    for (const part of line.slice(colon + 1).split(';')) {
      const [domain = '', value = ''] = part.split('=');
      if (domain.trim() !== '') domains.set(domain.trim(), value.trim());
    }
    resources.set(line.slice(0, colon).trim(), domains);
  }
  return resources;
}

/**
 * What of `wanted` a class with the schemata `actual` does not have; undefined: it has all. Domains that are not named do not matter.
 * `granularity`: the kernel has rounded bandwidths up to multiples of it (info/MB/bandwidth_gran).
 */
export function missingFrom(actual: string, wanted: string, granularity = 1): string | undefined {
  const has = parse(actual);
  for (const [resource, domains] of parse(wanted))
    for (const [domain, value] of domains) {
      const found = has.get(resource)?.get(domain);
      if (found !== undefined && isSame(resource, found, value, granularity)) continue;
      return `${resource}:${domain}=${value}, but it has ${found === undefined ? 'none' : found}`;
    }
  return undefined;
}

function isSame(resource: string, found: string, wanted: string, granularity: number): boolean {
  if (found === wanted) return true;
  if (resource !== 'MB')
    return /^[\da-f]+$/i.test(found) && /^[\da-f]+$/i.test(wanted) && BigInt(`0x${found}`) === BigInt(`0x${wanted}`);
  return /^\d+$/.test(wanted) && Math.ceil(Number(wanted) / granularity) * granularity === Number(found);
}
