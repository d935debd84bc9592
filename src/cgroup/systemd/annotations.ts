// Annotations `org.systemd.property.NAME`: properties of the container's scope, as runc takes them. Pure.
//
// Annotations may come from somebody who may make containers, and nothing else: a property that stops, starts or orders other units about,
// reboots the host, lets processes outlive the container, or takes back what the config says about devices is refused (CVE-2024-3154). What is left
// concerns the scope alone.

import { fail } from '../../error.ts';
import { pointer } from '../../json-pointer.ts';
import type { UnitProperty } from './properties.ts';
import { parseVariant, type VariantValue } from './variant-text.ts';

export const ANNOTATION_PREFIX = 'org.systemd.property.';

/** The properties that may be set, with their D-Bus types (org.freedesktop.systemd1(5)). */
const ALLOWED: Readonly<Record<string, 's' | 'b' | 'i' | 't' | 'as'>> = {
  // Who waits for whom when both start or stop: no unit is started or stopped by it.
  After: 'as',
  Before: 'as',
  DefaultDependencies: 'b',
  IgnoreOnIsolate: 'b',
  // How the scope ends.
  CollectMode: 's',
  KillSignal: 'i',
  FinalKillSignal: 'i',
  SendSIGHUP: 'b',
  RuntimeMaxUSec: 't',
  RuntimeRandomizedExtraUSec: 't',
  TimeoutStopUSec: 't',
  OOMPolicy: 's',
  // What is counted, and limits that the config has no field for.
  CPUAccounting: 'b',
  IOAccounting: 'b',
  IPAccounting: 'b',
  MemoryAccounting: 'b',
  TasksAccounting: 'b',
  DefaultMemoryLow: 't',
  DefaultMemoryMin: 't',
  MemoryHigh: 't',
  MemoryLow: 't',
  MemoryMin: 't',
  MemoryZSwapMax: 't',
  CPUWeight: 't',
  IOWeight: 't',
  StartupCPUWeight: 't',
  StartupIOWeight: 't',
  ManagedOOMMemoryPressure: 's',
  ManagedOOMPreference: 's',
  ManagedOOMSwap: 's',
};

/** Throws `config` for what is no property, no value, or not allowed. */
export function annotationProperties(annotations: Readonly<Record<string, string>>): readonly UnitProperty[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(ANNOTATION_PREFIX))
    .map(([key, text]) => propertyOf(key, text));
}

function propertyOf(key: string, text: string): UnitProperty {
  const at = pointer('annotations', key);
  const refuse = (message: string, hint?: string): never =>
    fail({
      code: 'config',
      message: `annotation ${key}${message}`,
      pointer: at,
      ...(hint === undefined ? {} : { hint }),
    });
  const given = key.slice(ANNOTATION_PREFIX.length);
  if (!/^[A-Za-z]{3,}$/.test(given)) refuse(' name incorrect: a property has three letters or more, and only letters');
  // The documentation says TimeoutStopSec=, the bus TimeoutStopUSec: both are taken, as by runc.
  const inSeconds = /[a-z]Sec$/.test(given);
  const name = inSeconds ? given.replace(/Sec$/, 'USec') : given;
  const signature = Object.hasOwn(ALLOWED, name) ? ALLOWED[name] : undefined;
  if (signature === undefined)
    return refuse(
      `: the property ${name} may not be set by an annotation`,
      `allowed are ${Object.keys(ALLOWED).join(', ')}`,
    );
  const parsed = parseVariant(text);
  if (parsed === undefined)
    return refuse(
      `=${text} value parse error: not in the text format of GVariant`,
      `like "uint64 5", "true", "'text'" or "['a', 'b']"`,
    );
  const value = inSeconds ? microseconds(parsed) : asType(parsed, signature);
  if (value === undefined) return refuse(`=${text}: ${NAMES[inSeconds ? 'sec' : signature]} is expected`);
  return { name, signature, value };
}

const NAMES = {
  s: 'a string, in quotes,',
  b: 'true or false',
  i: 'an int32',
  t: 'a uint64',
  as: 'an array of strings',
  sec: 'a number of seconds',
} as const;

const MILLION = 1_000_000;
const MAX_U64 = (1n << 64n) - 1n;

function microseconds(parsed: VariantValue): bigint | undefined {
  if (parsed.kind === 'integer') {
    const value = parsed.value * BigInt(MILLION);
    return value >= 0n && value <= MAX_U64 ? value : undefined;
  }
  if (parsed.kind !== 'double' || !(parsed.value >= 0) || parsed.value > Number.MAX_SAFE_INTEGER / MILLION)
    return undefined;
  return BigInt(Math.round(parsed.value * MILLION));
}

function asType(parsed: VariantValue, signature: string): UnitProperty['value'] | undefined {
  switch (parsed.kind) {
    case 'string':
      return signature === 's' ? parsed.value : undefined;
    case 'boolean':
      return signature === 'b' ? parsed.value : undefined;
    case 'strings':
      return signature === 'as' ? parsed.value : undefined;
    case 'integer': {
      const { type, value } = parsed;
      // An explicit type has to be the property's: systemd would refuse another one.
      if (signature === 't') return (type === undefined || type === 'uint64') && value >= 0n ? value : undefined;
      if (signature !== 'i' || (type !== undefined && type !== 'int32')) return undefined;
      return value >= -0x8000_0000n && value <= 0x7fff_ffffn ? value : undefined;
    }
    default:
      return undefined;
  }
}
