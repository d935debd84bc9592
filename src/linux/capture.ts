// Running a program of the host for what it prints.

import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { ERRNO } from './errno.ts';
import { memoryFile } from './memfd.ts';
import { decodeWaitStatus, type ExitStatus, spawn, waitForChild } from './spawn.ts';
import { syscall } from './syscall.ts';

export interface Captured {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Looks for the program in $PATH (not in the working directory, which may be a bundle), runs it with the caller's environment, and waits
 * for its end. Returns what it printed, or the errno with which it could not be run (ENOENT: there is none).
 */
export function capture(program: string, args: readonly string[]): Captured | number {
  const path = findProgram(program);
  if (path === undefined) return ERRNO.ENOENT;
  const input = openSync('/dev/null', 'r');
  const output = memoryFile('runt:stdout');
  const errors = memoryFile('runt:stderr');
  try {
    const env = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
    const pid = spawn({ path, args: [program, ...args], env, stdio: [input, output, errors] });
    if (pid < 0) return -pid;
    const status = waitForChild(pid) ?? decodeWaitStatus(0);
    const textOf = (fd: number) => readFileSync(`/proc/self/fd/${fd}`, 'utf8');
    return { status, stdout: textOf(output), stderr: textOf(errors) };
  } finally {
    closeSync(input);
    syscall('close', output);
    syscall('close', errors);
  }
}

function findProgram(name: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    if (!directory.startsWith('/')) continue;
    const stat = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
    if (stat?.isFile() === true && (stat.mode & 0o111) !== 0) return `${directory}/${name}`;
  }
  return undefined;
}
