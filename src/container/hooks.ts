// Hooks that run in the runtime's namespaces: prestart, createRuntime, poststart, poststop (config.md, "POSIX-platform Hooks").

import { readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import { errnoText } from '../linux/errno.ts';
import { memoryFile, writeAll } from '../linux/memfd.ts';
import { pidfdOpen, waitForEnd } from '../linux/pidfd.ts';
import { decodeWaitStatus, type ExitStatus, spawn, waitForChild } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import type { Hook } from '../spec/generated/types.ts';

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

/** "error running prestart hook #0: exit status 1": the words that runc uses. */
export function hookFailure(kind: string, index: number, what: string, output: string): never {
  const lines = output.trimEnd();
  fail({
    code: 'hook',
    message: `error running ${kind} hook #${index}: ${what}${lines === '' ? '' : `, stderr: ${lines.split('\n').at(-1)}`}`,
    pointer: `/hooks/${kind}/${index}`,
    ...(lines === '' ? {} : { details: lines.split('\n') }),
  });
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
    if (pid < 0) hookFailure(call.kind, index, `exec ${hook.path}: ${errnoText(-pid)}`, '');
    const status = waitForHook(pid, hook.timeout);
    if (status === 'timeout') {
      hookFailure(call.kind, index, `${hook.path} took longer than its timeout of ${hook.timeout} s`, readTail(output));
    }
    if ('signal' in status)
      hookFailure(call.kind, index, `${hook.path} was killed by signal ${status.signal}`, readTail(output));
    if (status.exited !== 0)
      hookFailure(call.kind, index, `exit status ${status.exited} of ${hook.path}`, readTail(output));
  } finally {
    syscall('close', input);
    syscall('close', output);
  }
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
