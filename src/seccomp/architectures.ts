// The system call interfaces of the machines that runt runs on. A kernel tells a filter which of them a call came by
// (seccomp_data.arch); no machine has those of another kind, so a profile's other architectures are left out.

import type { Architecture } from '../linux/syscall-numbers.ts';
import { type FilteredArchitecture, NATIVE_AUDIT } from './names.ts';
import { ARM64 } from './tables/arm64.ts';
import { X64 } from './tables/x64.ts';

export interface SyscallInterface {
  readonly name: FilteredArchitecture;
  /** AUDIT_ARCH_* (linux/audit.h). x32 shares that of x86-64; the bit in the number tells them apart. */
  readonly audit: number;
  /** JSON: of each name the numbers that it has on the machine's interfaces (tables/). */
  readonly table: string;
  /** Which of them is this interface's. */
  readonly column: number;
  /** The kernel has it in all its numbers. */
  readonly bit: number;
  /** How much of an argument is compared. */
  readonly words: 32 | 64;
  /** Numbers from here on are the architecture's own, and say nothing of the kernel's age. */
  readonly own: number;
}

/** __X32_SYSCALL_BIT */
export const X32_BIT = 0x40000000;

const AUDIT_ARCH_I386 = 0x40000003;
const AUDIT_ARCH_ARM = 0x40000028;
const NONE = 0xffffffff;
/** __ARM_NR_BASE */
const ARM_OWN = 0x0f0000;

const INTERFACES: Readonly<Record<FilteredArchitecture, SyscallInterface>> = {
  SCMP_ARCH_X86_64: of('SCMP_ARCH_X86_64', NATIVE_AUDIT.x64, X64, 0, 64),
  SCMP_ARCH_X32: { ...of('SCMP_ARCH_X32', NATIVE_AUDIT.x64, X64, 1, 32), bit: X32_BIT },
  SCMP_ARCH_X86: of('SCMP_ARCH_X86', AUDIT_ARCH_I386, X64, 2, 32),
  SCMP_ARCH_AARCH64: of('SCMP_ARCH_AARCH64', NATIVE_AUDIT.arm64, ARM64, 0, 64),
  SCMP_ARCH_ARM: { ...of('SCMP_ARCH_ARM', AUDIT_ARCH_ARM, ARM64, 1, 32), own: ARM_OWN },
};

function of(
  name: FilteredArchitecture,
  audit: number,
  table: string,
  column: number,
  words: 32 | 64,
): SyscallInterface {
  return { name, audit, table, column, bit: 0, words, own: NONE };
}

/** The native one first. */
const MACHINES: Readonly<Record<Architecture, readonly FilteredArchitecture[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

/** Of the given architectures those that the machine has, and its native one in any case. */
export function interfacesOf(machine: Architecture, given: readonly string[]): SyscallInterface[] {
  const found: SyscallInterface[] = [];
  for (const name of MACHINES[machine]) {
    if (found.length === 0 || given.includes(name)) found.push(INTERFACES[name]);
  }
  return found;
}

export function interfaceOf(name: FilteredArchitecture): SyscallInterface {
  return INTERFACES[name];
}

/** What `SyscallInterface.table` says. Names that every object has (constructor, …) lead to no number either. */
export type SyscallTable = Readonly<Record<string, readonly (number | undefined)[] | undefined>>;

let parsed: { readonly text: string; readonly table: SyscallTable } | undefined;

export function tableOf({ table: text }: SyscallInterface): SyscallTable {
  if (parsed?.text !== text) parsed = { text, table: JSON.parse(text) };
  return parsed.table;
}

/** Numbers (without the bit) by name, in no order. */
export function numbersOf(one: SyscallInterface): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [name, all = []] of Object.entries(tableOf(one))) {
    const number = all[one.column] ?? -1;
    if (number >= 0) numbers.set(name, number);
  }
  return numbers;
}
