// Processes by descriptor (pidfd_open(2)): a signal can't reach another process that got the same pid meanwhile.

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

const POLLIN = 1;
const EINTR = 4;

/** Waits until the process has ended. Returns false when `milliseconds` have passed before (undefined: waits for ever). */
export function waitForEnd(pidfd: number, milliseconds?: number): boolean {
  return waitForReadable(pidfd, milliseconds);
}

/** Waits until there is something to read, or the end of it. Returns false when `milliseconds` have passed before. */
export function waitForReadable(fd: number, milliseconds?: number): boolean {
  const poll = Buffer.alloc(8);
  poll.writeInt32LE(fd, 0);
  poll.writeInt16LE(POLLIN, 4);
  const end = milliseconds === undefined ? undefined : Date.now() + milliseconds;
  for (;;) {
    let timeout: Uint8Array | null = null;
    if (end !== undefined) {
      const left = Math.max(0, end - Date.now());
      timeout = Buffer.alloc(16);
      const view = new DataView(timeout.buffer, timeout.byteOffset, 16);
      view.setBigInt64(0, BigInt(Math.floor(left / 1000)), true);
      view.setBigInt64(8, BigInt((left % 1000) * 1_000_000), true);
    }
    const ready = syscall('ppoll', poll, 1, timeout, null, 0);
    if (ready > 0) return true;
    if (ready === 0) return false;
    if (ready !== -EINTR) return false;
  }
}
