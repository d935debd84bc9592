// The words of `linux.seccomp`, and the kernel's numbers for them (linux/seccomp.h). Loads no table: `features` reads it, too.

import type { Architecture } from '../linux/syscall-numbers.ts';
import type { SeccompAction, SeccompArch, SeccompFlag, SeccompOperator } from '../spec/generated/types.ts';

/** SECCOMP_RET_*: what a filter returns; the low 16 bits are the errno or the trace message. */
export const ACTIONS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

export const OPERATORS: readonly SeccompOperator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
];

/**
 * SECCOMP_FILTER_FLAG_*. TSYNC is 0: it is about threads, and init has one. (With a listener the kernel would even refuse it.)
 */
export const FLAGS: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};
/** Returns a descriptor that notifications are read from. */
export const NEW_LISTENER = 8;

/** The architectures whose calls a filter can tell apart here: others can't be made on the machines that runt runs on. */
export const FILTERED_ARCHITECTURES = [
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_ARM',
] as const satisfies readonly SeccompArch[];
export type FilteredArchitecture = (typeof FILTERED_ARCHITECTURES)[number];

export const ENOSYS = 38;
export const EPERM = 1;

/** AUDIT_ARCH_* of a machine's own interface (linux/audit.h). */
export const NATIVE_AUDIT: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** `ERRNO(1)` for 0x50001. */
export function actionText(action: number): string {
  const data = action & 0xffff;
  const bits = (action & 0xffff0000) >>> 0;
  const name = Object.entries(ACTIONS).find(([, value]) => value === bits)?.[0] ?? `0x${action.toString(16)}`;
  const short = bits === 0 ? 'KILL_THREAD' : name.slice('SCMP_ACT_'.length);
  return short === 'ERRNO' || short === 'TRACE' ? `${short}(${data})` : short;
}
