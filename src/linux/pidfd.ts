// Processes by descriptor (pidfd_open(2)): a signal can't reach another process that got the same pid meanwhile.

import { POLLIN, poll } from './poll.ts';
import { processStat } from './procfs.ts';
import { syscall } from './syscall.ts';

/** A close-on-exec descriptor of the process, or -errno (-3, ESRCH: there is none). With `startTime`, of that process only. */
export function pidfdOpen(pid: number, startTime?: number): number {
  const fd = syscall('pidfd_open', pid, 0);
  if (fd < 0 || startTime === undefined) return fd;
  // The descriptor is held: if its process began at the right time it is the right one for good.
  const stat = processStat(pid);
  if (stat?.startTime === startTime) return fd;
  syscall('close', fd);
  return -3;
}

/** 0 or -errno. */
export function pidfdSendSignal(pidfd: number, signal: number): number {
  return syscall('pidfd_send_signal', pidfd, signal, null, 0);
}

/** A close-on-exec copy of a descriptor of the process, or -errno. Needs the rights of ptrace(2) over it. */
export function pidfdGetFd(pidfd: number, number: number): number {
  return syscall('pidfd_getfd', pidfd, number, 0);
}

/** Waits until the process has ended. Returns false when `milliseconds` have passed before (undefined: waits for ever). */
export function waitForEnd(pidfd: number, milliseconds?: number): boolean {
  return waitForReadable(pidfd, milliseconds);
}

/** Waits until there is something to read, or the end of it. Returns false when `milliseconds` have passed before. */
export function waitForReadable(fd: number, milliseconds?: number): boolean {
  return poll([{ fd, events: POLLIN }], milliseconds)[0] !== 0;
}
