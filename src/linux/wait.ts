// Waiting for a child while the event loop goes on: the engine's signal handlers run only there.

import { processStat } from './procfs.ts';
import { decodeWaitStatus, type ExitStatus } from './spawn.ts';
import { addressOf, boundSyscall, syscall } from './syscall.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';

/** wait4(2) in a thread of its own. undefined: it is not our child. */
export async function waitForChildAsync(pid: number): Promise<ExitStatus | undefined> {
  const status = Buffer.alloc(8);
  const number = SYSCALL_NUMBERS[process.arch === 'arm64' ? 'arm64' : 'x64'].wait4;
  for (;;) {
    const result = await new Promise<number>((resolve) => {
      boundSyscall().async(number, pid, addressOf(status), 0, 0, 0, 0, (_error, returned) => resolve(returned));
    });
    if (result === pid) return decodeWaitStatus(status.readInt32LE(0));
    // The errno stayed in that thread. A signal may have interrupted it: as long as the child is there it is waited for.
    if (processStat(pid)?.parent !== process.pid) return undefined;
  }
}

const PR_SET_CHILD_SUBREAPER = 36;

/** Orphans of our children become our children (prctl(2)). */
export function becomeSubreaper(): void {
  syscall('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
