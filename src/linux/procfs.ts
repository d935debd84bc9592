// What /proc tells of a process, read with node:fs alone (commands that only look need no koffi).

import { readFileSync, statSync } from 'node:fs';

export interface ProcessStat {
  /** R, S, D, Z (zombie), X (dead), T … (proc_pid_stat(5)). */
  readonly state: string;
  readonly parent: number;
  /** Clock ticks after boot; with the pid it names a process for good, also after the pid was given to another. */
  readonly startTime: number;
}

/** undefined: there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name is in brackets and may hold anything, brackets too: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'X', parent: Number(fields[1]), startTime: Number(fields[19]) };
}

/** The process, if it lives (a zombie does not) and is the one that began at `startTime`. */
export function livingProcess(pid: number, startTime: number): ProcessStat | undefined {
  const stat = processStat(pid);
  if (stat === undefined || stat.startTime !== startTime || stat.state === 'Z' || stat.state === 'X') return undefined;
  return stat;
}

/** Whether the process lives and is the one that began at `startTime`. */
export function isSameProcess(pid: number, startTime: number): boolean {
  return livingProcess(pid, startTime) !== undefined;
}

/** Inode and device of the file that the process executes, as text; undefined when it is gone or may not be looked at. */
export function executedFile(pid: number): string | undefined {
  try {
    const stat = statSync(`/proc/${pid}/exe`);
    return `${stat.dev}:${stat.ino}`;
  } catch {
    return undefined;
  }
}

/** The process's pid as it sees it itself, in its own pid namespace. */
export function innermostPid(pid: number): number {
  const match = /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return match === null ? pid : Number(match[1]);
}

/** The signals that the calling process ignores (bit n-1 is signal n), as its children would too. */
export function ignoredSignals(): bigint {
  const match = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return BigInt(`0x${match?.[1] ?? '0'}`);
}
