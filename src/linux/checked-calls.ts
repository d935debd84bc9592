// System calls whose failures are all told in one way, which the caller knows.

import { type Argument, syscall } from './syscall.ts';
import type { SyscallName } from './syscall-numbers.ts';

export interface CheckedCalls {
  /** As `syscall`, but a failure goes to `failed`. */
  call(name: SyscallName, ...args: readonly Argument[]): number;
  /** Throws. */
  failed(name: SyscallName, errno: number): never;
}

export function checkedCalls(failed: (name: SyscallName, errno: number) => never): CheckedCalls {
  return {
    failed,
    call(name, ...args) {
      const result = syscall(name, ...args);
      return result < 0 ? failed(name, -result) : result;
    },
  };
}
