// Standard output and standard error, written synchronously: nothing is lost when the process exits.

import { writeSync } from 'node:fs';
import { fail } from '../error.ts';

/** 128 and SIGPIPE, what a shell reports for a program that lost its reader. The engine ignores the signal itself. */
const BROKEN_PIPE_STATUS = 141;

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Writes all of it. Errors are thrown as they come. */
export function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      // The caller's pipe is non-blocking and full: give its reader a millisecond.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Writes all of it. Ends the process where nobody reads any more (`runt list | head -1`). Other errors are thrown as they come. */
export function writeAllText(fd: number, text: string): void {
  try {
    writeFully(fd, text);
  } catch (error) {
    if (errorCode(error) === 'EPIPE') process.exit(BROKEN_PIPE_STATUS);
    throw error;
  }
}

/** To standard output. Throws `host` where that has no room. */
export function print(text: string): void {
  try {
    writeAllText(1, text);
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? -Number(error.errno) : 0;
    fail(
      { code: 'host', message: 'print on standard output', syscall: 'write', ...(errno > 0 ? { errno } : {}) },
      error,
    );
  }
}
