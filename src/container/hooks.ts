// Hooks that run in the runtime's namespaces: prestart, createRuntime, poststart, poststop (config.md, "POSIX-platform Hooks").

import { readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import { MESSAGE } from '../init/messages.ts';
import { memoryFile, writeAll } from '../linux/memfd.ts';
import { pidfdOpen, waitForEnd } from '../linux/pidfd.ts';
import { decodeWaitStatus, type ExitStatus, spawn, waitForChild } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import type { Hook } from '../spec/generated/types.ts';
import { type HookEnd, hookEnding, hookProblem } from './problems.ts';

const SIGKILL = 9;
const SEEK_SET = 0;
/** How much of what a hook printed goes into the error. */
const TAIL = 2000;

export interface HookCall {
  readonly kind: string;
  readonly hooks: readonly Hook[];
  /** JSON, for their standard input. */
  readonly state: string;
  readonly bundle: string;
}

/** The end of what was printed into a memory file. */
export function readTail(fd: number): string {
  const text = readFileSync(`/proc/self/fd/${fd}`, 'utf8');
  return text.length <= TAIL ? text : text.slice(-TAIL);
}

/** Runs the hooks one after the other. The first that fails is an error (`hook`) and ends it. */
export function runHooks(call: HookCall): void {
  call.hooks.forEach((hook, index) => void runHook(call, hook, index));
}

/** Runs all hooks, whatever they do; returns what went wrong. For poststop. */
export function runAllHooks(call: HookCall): unknown[] {
  return call.hooks.flatMap((hook, index) => {
    try {
      runHook(call, hook, index);
      return [];
    } catch (error) {
      return [error];
    }
  });
}

function runHook(call: HookCall, hook: Hook, index: number): void {
  // A memory file rather than a pipe: a hook that does not read it can't block or break the runtime.
  const input = memoryFile('runt:hook-state');
  const output = memoryFile('runt:hook-output');
  try {
    writeAll(input, Buffer.from(call.state), `write the state for the ${call.kind} hooks`);
    syscall('lseek', input, 0, SEEK_SET);
    const pid = spawn({
      path: hook.path,
      args: hook.args ?? [hook.path],
      env: hook.env ?? [],
      cwd: call.bundle,
      stdio: [input, output, output],
      session: true,
    });
    const end = pid < 0 ? { errno: -pid } : endOf(waitForHook(pid, hook.timeout), hook);
    if (end !== undefined) fail(hookProblem(call.kind, index, hookEnding(hook.path, end), readTail(output)));
  } finally {
    syscall('close', input);
    syscall('close', output);
  }
}

/** undefined: well. */
function endOf(status: ExitStatus | 'timeout', { timeout = 0 }: Hook): HookEnd | undefined {
  if (status === 'timeout') return { type: MESSAGE.hookTimeout, value: timeout };
  if ('signal' in status) return { type: MESSAGE.hookKilled, value: status.signal };
  return status.exited === 0 ? undefined : { type: MESSAGE.hookExited, value: status.exited };
}

/** Waits for the child; past its time the whole process group is killed. */
function waitForHook(pid: number, timeout: number | undefined): ExitStatus | 'timeout' {
  if (timeout !== undefined) {
    const pidfd = pidfdOpen(pid);
    const ended = waitForEnd(pidfd, timeout * 1000);
    syscall('close', pidfd);
    if (!ended) {
      // Not reaped yet, so the group is still the hook's.
      syscall('kill', -pid, SIGKILL);
      waitForChild(pid);
      return 'timeout';
    }
  }
  return waitForChild(pid) ?? decodeWaitStatus(0);
}
