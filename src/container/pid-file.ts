// The file that `--pid-file` names: a bare number.

import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { fail } from '../error.ts';
import { errnoOf } from '../linux/errno.ts';

/** Whoever waits for the file never reads a part of it. */
export function writePidFile(path: string, pid: number): void {
  const temporary = `${path}.runt-${process.pid}`;
  try {
    const fd = openSync(temporary, 'wx', 0o644);
    try {
      writeSync(fd, String(pid));
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const errno = errnoOf(error);
    fail({ code: 'system', message: `write the pid file "${path}"`, ...(errno === 0 ? {} : { errno }) }, error);
  }
}
