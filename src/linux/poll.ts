// Waiting for descriptors: ppoll(2).

import { fail } from '../error.ts';
import { ERRNO } from './errno.ts';
import { syscall } from './syscall.ts';

export const POLLIN = 1;
/** Also what cgroupfs tells of a changed control file, to who has read it before (kernfs_notify). */
export const POLLPRI = 2;

/** Milliseconds: beyond it, in 35,000 years, a double has no fractions that a timespec could be made of. */
const LONGEST = 2 ** 50;

export interface PollEntry {
  readonly fd: number;
  /** POLLIN, POLLPRI. */
  readonly events: number;
}

/**
 * What has happened, for each descriptor (0: nothing). All are 0 when `milliseconds` have passed before anything happened; without
 * `milliseconds` it waits for ever. A signal does not end the wait. Throws `system`.
 */
export function poll(entries: readonly PollEntry[], milliseconds?: number): readonly number[] {
  const table = Buffer.alloc(entries.length * 8);
  entries.forEach(({ fd, events }, index) => {
    table.writeInt32LE(fd, index * 8);
    table.writeInt16LE(events, index * 8 + 4);
  });
  const end = milliseconds === undefined ? undefined : performance.now() + Math.min(milliseconds, LONGEST);
  for (;;) {
    const timeout = end === undefined ? null : timespec(Math.max(0, end - performance.now()));
    const ready = syscall('ppoll', table, entries.length, timeout, null, 0);
    if (ready === -ERRNO.EINTR) continue;
    if (ready < 0) fail({ code: 'system', message: 'wait for file descriptors', syscall: 'ppoll', errno: -ready });
    return entries.map((_, index) => (ready === 0 ? 0 : table.readInt16LE(index * 8 + 6)));
  }
}

function timespec(milliseconds: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  const seconds = Math.floor(milliseconds / 1000);
  bytes.writeBigInt64LE(BigInt(seconds), 0);
  bytes.writeBigInt64LE(BigInt(Math.floor((milliseconds - seconds * 1000) * 1_000_000)), 8);
  return bytes;
}
