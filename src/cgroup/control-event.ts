// Waiting until a v2 control file says something: cgroupfs raises an exceptional condition when the file changes (cgroup-v2.rst).

import { closeSync, openSync, readSync } from 'node:fs';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { POLLPRI, poll } from '../linux/poll.ts';
import { failed } from './failure.ts';

/** False when `milliseconds` have passed, or the cgroup was removed, before the text of the file fits. Throws `cgroup`. */
export function waitForControl(file: string, fits: (text: string) => boolean, milliseconds: number): boolean {
  const end = performance.now() + milliseconds;
  const fd = open(file);
  if (fd === undefined) return false;
  try {
    for (;;) {
      const text = readAtStart(fd, file);
      if (text === undefined) return false;
      if (fits(text)) return true;
      if (poll([{ fd, events: POLLPRI }], Math.max(0, end - performance.now()))[0] === 0) return false;
    }
  } finally {
    closeSync(fd);
  }
}

/** undefined: the cgroup was removed, as systemd does when the last process of a scope has ended. */
function open(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV) return undefined;
    return failed(`open ${file}`, error);
  }
}

/** undefined: the cgroup was removed. */
function readAtStart(fd: number, file: string): string | undefined {
  const bytes = Buffer.alloc(4096);
  try {
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENODEV) return undefined;
    return failed(`read ${file}`, error);
  }
}
