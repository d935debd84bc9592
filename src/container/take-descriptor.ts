// A descriptor of init's, by its number there (pidfd_getfd(2)). Loaded only where init has one to give.

import { fail } from '../error.ts';
import { ERRNO } from '../linux/errno.ts';
import { pidfdGetFd, pidfdOpen } from '../linux/pidfd.ts';
import { syscall } from '../linux/syscall.ts';

/** A close-on-exec copy, the caller's to close. `pid`: a child that nobody has waited for. Throws `init`. */
export function takeDescriptor(doing: { message: string; pointer: string }, pid: number, number: number): number {
  const pidfd = pidfdOpen(pid);
  const fd = pidfd < 0 ? pidfd : pidfdGetFd(pidfd, number);
  if (pidfd >= 0) syscall('close', pidfd);
  if (fd >= 0) return fd;
  return fail({
    code: 'init',
    ...doing,
    syscall: pidfd < 0 ? 'pidfd_open' : 'pidfd_getfd',
    errno: -fd,
    ...(fd === -ERRNO.EPERM ? { hint: 'the runtime needs CAP_SYS_PTRACE for it' } : {}),
  });
}
