// linux.resources.devices as a policy: one meaning for cgroup v1 and v2. Pure.
//
// Each access to a device (read, write, mknod) is decided by the last rule that matches it; what no rule matches is denied, as by runc.
// v2 does exactly that (device-filter.ts). v1 knows a default and exceptions from it (security/device_cgroup.c): `exceptionsOf`
// finds those that mean the same, and refuses the rules for which there are none, rather than let v1 silently ignore them.

import { fail } from '../error.ts';

const POINTER = '/linux/resources/devices';

/** Access bits of include/uapi/linux/bpf.h (BPF_DEVCG_ACC_*). */
export const ACCESS = { m: 1, r: 2, w: 4 } as const;
const ALL_ACCESS = ACCESS.m | ACCESS.r | ACCESS.w;
/** A number above is no 32-bit device number, or is the kernel's own mark for "all" (~0). */
const MAX_NUMBER = 0xffff_fffe;

/** An entry of linux.resources.devices. */
export interface DeviceRule {
  readonly allow: boolean;
  /** Default: all types. */
  readonly type?: string | undefined;
  /** Default: all. −1 says the same: engines write it for `*`. */
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** Default: `rwm`. */
  readonly access?: string | undefined;
}

/** Devices and what is done to them. */
export interface DeviceMatch {
  readonly type: 'b' | 'c';
  /** Null: all. */
  readonly major: number | null;
  readonly minor: number | null;
  /** Bits of ACCESS. */
  readonly access: number;
  /** JSON pointer of the rule; absent for the devices that every container gets. */
  readonly pointer?: string;
}

export interface DevicePolicy {
  /** What happens to accesses that no entry matches. */
  readonly allowByDefault: boolean;
  /** The last that matches decides. */
  readonly entries: readonly (DeviceMatch & { readonly allow: boolean })[];
}

/**
 * What every container may use, whatever the config says, like runc's: the specification's default devices (config-linux.md, "Default
 * Devices"), pseudo-terminals, making (not opening) device nodes, and /dev/net/tun, which Docker has always allowed. They follow
 * the config's rules, so that devices.list of v1 begins with these, in their order.
 */
const ALWAYS_ALLOWED: readonly DeviceMatch[] = [
  { type: 'c', major: null, minor: null, access: ACCESS.m },
  { type: 'b', major: null, minor: null, access: ACCESS.m },
  { type: 'c', major: 1, minor: 3, access: ALL_ACCESS }, // null
  { type: 'c', major: 1, minor: 5, access: ALL_ACCESS }, // zero
  { type: 'c', major: 1, minor: 7, access: ALL_ACCESS }, // full
  { type: 'c', major: 1, minor: 8, access: ALL_ACCESS }, // random
  { type: 'c', major: 1, minor: 9, access: ALL_ACCESS }, // urandom
  { type: 'c', major: 5, minor: 0, access: ALL_ACCESS }, // tty
  { type: 'c', major: 5, minor: 2, access: ALL_ACCESS }, // ptmx
  { type: 'c', major: 136, minor: null, access: ALL_ACCESS }, // pts/*
  { type: 'c', major: 10, minor: 200, access: ALL_ACCESS }, // net/tun
];

/** The policy of a config. Throws `config` for a rule that is none. */
export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let allowByDefault = false;
  let entries: (DeviceMatch & { allow: boolean })[] = [];
  rules.forEach((rule, index) => {
    const pointer = `${POINTER}/${index}`;
    const types = typesOf(rule, pointer);
    const major = numberOf(rule.major, `${pointer}/major`);
    const minor = numberOf(rule.minor, `${pointer}/minor`);
    const access = accessOf(rule.access, `${pointer}/access`);
    if (types.length === 2 && major === null && minor === null && access === ALL_ACCESS) {
      // It matches everything: no earlier rule decides anything any more.
      allowByDefault = rule.allow;
      entries = [];
      return;
    }
    for (const type of types) entries.push({ allow: rule.allow, type, major, minor, access, pointer });
  });
  for (const match of ALWAYS_ALLOWED) entries.push({ allow: true, ...match });
  return { allowByDefault, entries };
}

/**
 * The exceptions from the default that mean what the policy means, in the order of the entries that made them. v1 grants what one exception
 * grants whole, so with `c 1:3 r` and `c *:* w` it denies O_RDWR, which v2 allows: the safe side.
 * Throws `cgroup` for an entry that would cut a piece out of a wider exception.
 */
export function exceptionsOf(policy: DevicePolicy): readonly DeviceMatch[] {
  let exceptions: DeviceMatch[] = [];
  for (const entry of policy.entries) {
    const { allow, ...match } = entry;
    if (allow !== policy.allowByDefault) {
      const same = exceptions.findIndex((other) => isSame(other, match));
      const known = exceptions[same];
      if (known === undefined) exceptions.push(match);
      else exceptions[same] = { ...known, access: known.access | match.access };
      continue;
    }
    for (const other of exceptions)
      if (overlaps(match, other) && !covers(match, other) && (match.access & other.access) !== 0)
        refuseHole(entry, other);
    exceptions = exceptions
      .map((other) => (covers(match, other) ? { ...other, access: other.access & ~match.access } : other))
      .filter((other) => other.access !== 0);
  }
  return exceptions;
}

/** As it is written to devices.allow and devices.deny, and read from devices.list: `c 1:3 rwm`. */
export function formatException(match: DeviceMatch): string {
  const access = (['r', 'w', 'm'] as const).filter((letter) => (match.access & ACCESS[letter]) !== 0).join('');
  return `${match.type} ${match.major ?? '*'}:${match.minor ?? '*'} ${access}`;
}

function isSame(a: DeviceMatch, b: DeviceMatch): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor;
}

function covers(wide: DeviceMatch, narrow: DeviceMatch): boolean {
  const includes = (a: number | null, b: number | null) => a === null || a === b;
  return wide.type === narrow.type && includes(wide.major, narrow.major) && includes(wide.minor, narrow.minor);
}

/** Whether there are devices that both match. */
export function overlaps(a: DeviceMatch, b: DeviceMatch): boolean {
  const meet = (a: number | null, b: number | null) => a === null || b === null || a === b;
  return a.type === b.type && meet(a.major, b.major) && meet(a.minor, b.minor);
}

function refuseHole(entry: DeviceMatch & { readonly allow: boolean }, wider: DeviceMatch): never {
  // Of the two, the config's is to be changed.
  const pointer = entry.pointer ?? wider.pointer;
  const verb = (allow: boolean) => (allow ? 'allow' : 'deny');
  return fail({
    code: 'cgroup',
    message:
      `cgroup v1 can't ${verb(entry.allow)} the devices "${formatException(entry)}" ` +
      `after it was told to ${verb(!entry.allow)} "${formatException(wider)}"`,
    ...(pointer === undefined ? {} : { pointer }),
    hint: 'v1 has one default and exceptions from it, but no exceptions from exceptions; cgroup v2 has',
  });
}

function typesOf(rule: DeviceRule, pointer: string): readonly ('b' | 'c')[] {
  switch (rule.type) {
    case undefined:
    case 'a':
      return ['b', 'c'];
    case 'b':
      return ['b'];
    case 'c':
    case 'u': // mknod(1)'s unbuffered character device: Linux has no other kind
      return ['c'];
    default:
      return fail({
        code: 'config',
        message: `a device rule is for the types a, b or c, not ${JSON.stringify(rule.type)}`,
        pointer: `${pointer}/type`,
      });
  }
}

function numberOf(number: number | undefined, pointer: string): number | null {
  if (number === undefined || number === -1) return null;
  if (Number.isInteger(number) && number >= 0 && number <= MAX_NUMBER) return number;
  return fail({ code: 'config', message: `${number} is no device number`, pointer, hint: `use 0 to ${MAX_NUMBER}` });
}

function accessOf(access: string | undefined, pointer: string): number {
  if (access === undefined) return ALL_ACCESS;
  let bits = 0;
  for (const letter of access) {
    // Others mean nothing, to the kernel and to runc; the loader has warned of them.
    if (letter === 'r' || letter === 'w' || letter === 'm') bits |= ACCESS[letter];
  }
  if (bits === 0) return fail({ code: 'config', message: 'device access has none of the letters r, w and m', pointer });
  return bits;
}
