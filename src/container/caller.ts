// What the engine has changed in itself, and what the caller had: a container gets the caller's.

import { readlinkSync } from 'node:fs';
import { fail } from '../error.ts';
import type { InitInputs } from '../init/inputs.ts';
import { ignoredSignals } from '../linux/procfs.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';

const RLIMIT_NOFILE = 7;

export function callersProcess(): NonNullable<InitInputs['caller']> {
  return { openFiles: callersOpenFiles(), ignoredSignals: signalNumbers(ignoredSignals()) };
}

/**
 * The engine has raised its own soft limit to the hard one: the parent's is what the container would have got. The parent may have
 * ended, and ours be another's with higher limits: never more than our own.
 */
function callersOpenFiles(): { soft: bigint; hard: bigint } {
  const own = Buffer.alloc(16);
  const parents = Buffer.alloc(16);
  mustSyscall({ message: 'read the limit of open files' }, 'prlimit64', 0, RLIMIT_NOFILE, null, own);
  const hard = own.readBigUInt64LE(8);
  if (syscall('prlimit64', process.ppid, RLIMIT_NOFILE, null, parents) < 0)
    return { soft: own.readBigUInt64LE(0), hard };
  const soft = parents.readBigUInt64LE(0);
  return { soft: soft < hard ? soft : hard, hard };
}

/** glibc's posix_spawn ignores its two internal signals in the child, whatever the caller did (sysdeps/unix/sysv/linux/spawni.c). */
const IGNORED_BY_SPAWN = 0b11n << 31n;

function signalNumbers(ignored: bigint): number[] {
  const mask = ignored | IGNORED_BY_SPAWN;
  const signals: number[] = [];
  for (let signal = 1; signal <= 64; signal++) if ((mask & (1n << BigInt(signal - 1))) !== 0n) signals.push(signal);
  return signals;
}

/** A descriptor of the engine's own must never be passed on as one of the caller's. */
export function checkPreserved(count: number): void {
  for (let fd = 3; fd < 3 + count; fd++) {
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${fd}`);
    } catch (error) {
      fail({ code: 'usage', message: `--preserve-fds ${count}: descriptor ${fd} is not open` }, error);
    }
    if (/^anon_inode:\[(eventpoll|io_uring|eventfd|timerfd)/.test(target)) {
      fail({ code: 'usage', message: `--preserve-fds ${count}: descriptor ${fd} was not passed by the caller` });
    }
  }
}
