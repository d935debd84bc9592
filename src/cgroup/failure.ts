// How this directory reports what the kernel refuses: one shape for every read, write, mkdir and rmdir of cgroupfs.

import { fail, RuntError } from '../error.ts';
import { errnoOf } from '../linux/errno.ts';

/** Throws the RuntError (code `cgroup`) for a failed system call. `what` names the action, the file and the value. */
export function failed(what: string, error: unknown, pointer?: string, hint?: string): never {
  if (error instanceof RuntError) throw error;
  const syscall = error instanceof Error && 'syscall' in error ? error.syscall : undefined;
  const errno = errnoOf(error);
  return fail(
    {
      code: 'cgroup',
      message: what,
      ...(typeof syscall === 'string' ? { syscall } : {}),
      ...(errno === 0 ? {} : { errno }),
      ...(pointer === undefined ? {} : { pointer }),
      ...(hint === undefined ? {} : { hint }),
    },
    error,
  );
}

/** The result of `action`, or the RuntError that says what failed. */
export function attempt<T>(what: string, action: () => T, pointer?: string, hint?: string): T {
  try {
    return action();
  } catch (error) {
    return failed(what, error, pointer, hint);
  }
}
