// D-Bus messages as data (D-Bus specification, "Type System"): values go in and out by their signature.

import { koffi, libraryC, type NativeFunction, type NativeLibrary } from './koffi.ts';
import { cString } from './syscall.ts';

/** What goes into a message; which of these is meant is told by the signature beside it. `ay` may be given as bytes. */
export type BusValue = string | number | bigint | boolean | Uint8Array | readonly BusValue[] | BusVariant;

export interface BusVariant {
  /** One complete type. */
  readonly signature: string;
  readonly value: BusValue;
}

/** A function of libsystemd by its prototype; bound at the first use. Those that return an int return -errno where they fail. */
export type Bind = (prototype: string) => NativeFunction;

export function binder(library: NativeLibrary): Bind {
  const bound = new Map<string, NativeFunction>();
  return (prototype) => {
    let found = bound.get(prototype);
    if (found === undefined) {
      found = library.func(prototype);
      bound.set(prototype, found);
    }
    return found;
  };
}

/** The first complete type of a signature: `a(sv)` of `a(sv)s`. */
export function firstType(signature: string): string {
  let at = 0;
  while (signature[at] === 'a') at++;
  if (signature[at] !== '(' && signature[at] !== '{') return signature.slice(0, at + 1);
  let depth = 0;
  do {
    const character = signature[at++];
    if (character === '(' || character === '{') depth++;
    else if (character === ')' || character === '}') depth--;
    else if (character === undefined) throw new Error(`a D-Bus signature without an end: ${signature}`);
  } while (depth > 0);
  return signature.slice(0, at);
}

/** The complete types of a signature, in order. */
export function typesIn(signature: string): readonly string[] {
  const types: string[] = [];
  for (let rest = signature; rest !== ''; ) {
    const type = firstType(rest);
    types.push(type);
    rest = rest.slice(type.length);
  }
  return types;
}

const SIZES: Readonly<Record<string, number>> = { y: 1, b: 4, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8, d: 8 };

/** The memory that sd_bus_message_append_basic(3) takes a number from. */
export function encodeNumber(type: string, value: number | bigint | boolean): Uint8Array {
  const bytes = Buffer.alloc(8);
  if (type === 'd') bytes.writeDoubleLE(Number(value));
  else bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes.subarray(0, SIZES[type] ?? 8);
}

/** Appends one value. Returns 0 or -errno. */
export function append(bind: Bind, message: bigint, signature: string, value: BusValue): number {
  const { address } = koffi();
  const type = signature[0] ?? '';
  const within = (kind: string, contents: string, items: readonly (readonly [string, BusValue])[]): number => {
    const text = cString(contents);
    const open = bind('int sd_bus_message_open_container(int64, int, int64)');
    let result = open(message, kind.charCodeAt(0), address(text));
    for (const [of, item] of items) if (result >= 0) result = append(bind, message, of, item);
    return result < 0 ? result : bind('int sd_bus_message_close_container(int64)')(message);
  };
  if (type === 'a') {
    const element = signature.slice(1);
    const items = Array.from(value as readonly BusValue[] | Uint8Array, (item) => [element, item] as const);
    return within('a', element, items);
  }
  if (type === '(') {
    const inner = signature.slice(1, -1);
    const values = value as readonly BusValue[];
    return within(
      'r',
      inner,
      typesIn(inner).map((of, index) => [of, values[index] ?? 0] as const),
    );
  }
  if (type === 'v') {
    const variant = value as BusVariant;
    return within('v', variant.signature, [[variant.signature, variant.value]]);
  }
  const bytes = type in SIZES ? encodeNumber(type, value as number | bigint | boolean) : cString(value as string);
  return bind('int sd_bus_message_append_basic(int64, int, int64)')(message, type.charCodeAt(0), address(bytes));
}

const LONGEST = 65_536;

let libc: Bind | undefined;

/** The C string at an address of this process. */
export function stringAt(pointer: bigint): string {
  libc ??= binder(libraryC());
  const length = libc('int64 strnlen(int64, int64)')(pointer, LONGEST);
  const bytes = Buffer.alloc(length + 1);
  libc('int64 memcpy(int64, int64, int64)')(koffi().address(bytes), pointer, length);
  return bytes.toString('utf8', 0, length);
}

/** Reads one string (`s`, `o`) or number of 32 bits (`u`); a variant with one of these as `vs`. Returns -errno where it is another type. */
export function read(bind: Bind, message: bigint, signature: string): string | number {
  const { address } = koffi();
  if (signature[0] === 'v') {
    const inner = cString(signature.slice(1));
    const enter = bind('int sd_bus_message_enter_container(int64, int, int64)');
    const result = enter(message, 'v'.charCodeAt(0), address(inner));
    return result < 0 ? result : read(bind, message, signature.slice(1));
  }
  const place = Buffer.alloc(8);
  const basic = bind('int sd_bus_message_read_basic(int64, int, int64)');
  const result = basic(message, signature.charCodeAt(0), address(place));
  if (result < 0) return result;
  return signature === 'u' ? place.readUInt32LE(0) : stringAt(place.readBigUInt64LE(0));
}
