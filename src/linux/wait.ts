// Waiting for a child while the event loop goes on: the engine's signal handlers run only there.

import { SYSCALL_NUMBERS } from './syscall-numbers.ts';
import { addressOf, boundSyscall, syscall } from './syscall.ts';
import { decodeWaitStatus, type ExitStatus } from './spawn.ts';

/** wait4(2) in a thread of its own. undefined: it is not our child. */
export function waitForChildAsync(pid: number): Promise<ExitStatus | undefined> {
  const status = Buffer.alloc(8);
  const number = SYSCALL_NUMBERS[process.arch === 'arm64' ? 'arm64' : 'x64'].wait4;
  return new Promise((resolve) => {
    boundSyscall().async(number, pid, addressOf(status), 0, 0, 0, 0, (_error, result) => {
      resolve(result === pid ? decodeWaitStatus(status.readInt32LE(0)) : undefined);
    });
  });
}

const PR_SET_CHILD_SUBREAPER = 36;

/** Orphans of our children become our children (prctl(2)). */
export function becomeSubreaper(): void {
  syscall('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
