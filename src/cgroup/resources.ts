// What of linux.resources this version carries out: the device rules. All else is refused by name.

import type { Problem } from '../error.ts';
import { pointer } from '../json-pointer.ts';

/** The properties of linux.resources in the specification 1.3 but `devices`. One that is none of them is unknown: to be ignored. */
const NOT_YET = ['memory', 'cpu', 'pids', 'blockIO', 'hugepageLimits', 'network', 'rdma', 'unified'] as const;

/** Values by which engines say "not set" (runc takes them so), by pointer below linux.resources: a new cgroup is so already. */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  'memory/disableOOMKiller': false,
  'cpu/shares': 0,
  'blockIO/weight': 0,
};

/** A problem for each value of linux.resources that is not carried out; objects and arrays that hold nothing ask for nothing. */
export function unsupportedResources(resources: object | undefined): readonly Problem[] {
  if (resources === undefined) return [];
  const properties: Readonly<Record<string, unknown>> = { ...resources };
  return NOT_YET.flatMap((name) => fieldsOf(name, properties[name])).map((field) => ({
    code: 'unsupported',
    message: `linux.resources.${field.replaceAll('/', '.')} is not supported yet`,
    pointer: `/linux/resources/${field}`,
  }));
}

function fieldsOf(name: string, value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.length === 0 ? [] : [name];
  if (typeof value !== 'object') return [name];
  return Object.entries(value)
    .filter(([key, field]) => field !== NEUTRAL[`${name}/${key}`] && !isEmpty(field))
    .map(([key]) => name + pointer(key));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
