// Named pipes, as node:fs can use them: who only reads and writes them needs no koffi.

import { constants, openSync } from 'node:fs';
import { mustSyscall } from './syscall.ts';

const S_IFIFO = 0o010000;
const AT_FDCWD = -100;

/** Makes a FIFO for its owner alone and returns a close-on-exec descriptor that is both of its ends, so that neither is ever missing. */
export function makeFifo(path: string): number {
  const doing = { code: 'state' as const, message: `make the FIFO "${path}"` };
  mustSyscall(doing, 'mknodat', AT_FDCWD, path, S_IFIFO | 0o600, 0);
  return openSync(path, constants.O_RDWR);
}
