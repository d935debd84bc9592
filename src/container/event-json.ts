// Events as JSON. JSON.stringify knows no bigint, and the counters go beyond what a number can tell apart.

import type { ContainerEvent } from './events.ts';

/** One line, without its end; properties in runc's order, counters as they are. */
export function eventJson(event: ContainerEvent): string {
  return encode(event);
}

function encode(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  const properties = Object.entries(value).filter(([, property]) => property !== undefined);
  return `{${properties.map(([name, property]) => `${JSON.stringify(name)}:${encode(property)}`).join(',')}}`;
}
