// The door to the kernel: every system call of the host side that node:fs does not offer goes through `syscall`.
// One function of libc is bound for all of them: syscall(2).

import { type ErrorCode, fail } from '../error.ts';
import { koffi, libraryC, type NativeFunction } from './koffi.ts';
import { SYSCALL_NUMBERS, type SyscallName } from './syscall-numbers.ts';

export type Argument = number | bigint | string | Uint8Array | null;

const numbers = SYSCALL_NUMBERS[process.arch === 'arm64' ? 'arm64' : 'x64'];

let bound: NativeFunction | undefined;

function boundSyscall(): NativeFunction {
  bound ??= libraryC().func('int64 syscall(int64, int64, int64, int64, int64, int64, int64)');
  return bound;
}

/** Address of the bytes, for pointers that lie inside structures. The caller keeps `bytes` alive while the kernel uses it. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi().address(bytes);
}

/** `text` as C wants it. NUL bytes inside are refused, since the kernel would see a shorter string than the config says. */
export function cString(text: string): Uint8Array {
  if (text.includes('\0'))
    fail({ code: 'config', message: `a string contains a NUL character: ${JSON.stringify(text)}` });
  return Buffer.from(`${text}\0`);
}

/**
 * Makes the system call. A string is passed as a pointer to its NUL-terminated bytes, a Uint8Array as a pointer to its bytes, null as 0.
 * Returns its result, or -errno. Never throws for an errno.
 */
export function syscall(name: SyscallName, ...args: readonly Argument[]): number {
  const values: (number | bigint)[] = [numbers[name], 0, 0, 0, 0, 0, 0];
  // Keeps the bytes reachable until the call is over.
  const kept: Uint8Array[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? 0;
    if (typeof argument === 'number' || typeof argument === 'bigint') values[index + 1] = argument;
    else {
      const bytes = typeof argument === 'string' ? cString(argument) : argument;
      kept.push(bytes);
      values[index + 1] = addressOf(bytes);
    }
  }
  const result = boundSyscall()(...values);
  return result === -1 && kept.length >= 0 ? -koffi().errno() : result;
}

export interface Doing {
  readonly code?: ErrorCode;
  /** "open the mount source "/data"". */
  readonly message: string;
  readonly pointer?: string;
  readonly hint?: string;
}

/** As `syscall`, but an errno becomes a RuntError that says what was being done. */
export function mustSyscall(doing: Doing, name: SyscallName, ...args: readonly Argument[]): number {
  const result = syscall(name, ...args);
  if (result < 0) fail({ code: 'system', ...doing, syscall: name, errno: -result });
  return result;
}
