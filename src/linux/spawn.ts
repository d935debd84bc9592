// Starting programs: posix_spawn(3), which does not copy the engine's memory and runs nothing of it in the child.

import { fail } from '../error.ts';
import { koffi, libraryC, type NativeFunction } from './koffi.ts';
import { cString, syscall } from './syscall.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const CLOSE_RANGE_CLOEXEC = 4;

/** Lets the descriptor be inherited by programs started from now on. Returns 0 or -errno (-9: not open). */
export function makeInheritable(fd: number): number {
  return syscall('fcntl', fd, F_SETFD, 0);
}
export function closeOnExec(fd: number): number {
  return syscall('fcntl', fd, F_SETFD, FD_CLOEXEC);
}

/** A NULL-terminated array of strings as execve(2) wants it; `kept` keeps the bytes alive. */
function stringArray(strings: readonly string[], kept: Uint8Array[]): Uint8Array {
  const array = Buffer.alloc((strings.length + 1) * 8);
  strings.forEach((text, index) => {
    const bytes = cString(text);
    kept.push(bytes);
    array.writeBigUInt64LE(koffi().address(bytes), index * 8);
  });
  return array;
}

export interface SpawnOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Absolute; the caller's when absent. */
  readonly cwd?: string;
  /**
   * Descriptors put in the place of 0, 1, 2, …, and all others closed in the program. When absent the program inherits what is
   * not close-on-exec, as it is.
   */
  readonly stdio?: readonly number[];
  /** In a session (and process group) of its own, with default signals and an empty mask. */
  readonly session?: boolean;
}

let spawnFunction: NativeFunction | undefined;

/**
 * Starts the program and returns its pid (a child of ours, to be waited for), or -errno. Descriptors that are close-on-exec are closed in it.
 */
export function spawn(options: SpawnOptions): number {
  // What leaked into us from our caller is not for a program that gets its streams from us.
  if (options.stdio !== undefined) syscall('close_range', 3, 0xffffffff, CLOSE_RANGE_CLOEXEC);
  spawnFunction ??= libraryC().func('int posix_spawn(int64, int64, int64, int64, int64, int64)');
  const { address } = koffi();
  const kept: Uint8Array[] = [];
  const argv = stringArray(options.args, kept);
  const envp = stringArray(options.env, kept);
  const path = cString(options.path);
  const pid = Buffer.alloc(8);
  const actions = fileActions(options, kept);
  const attributes = options.session === true ? sessionAttributes() : undefined;
  const error = spawnFunction(
    address(pid),
    address(path),
    actions === undefined ? 0 : address(actions),
    attributes === undefined ? 0 : address(attributes),
    address(argv),
    address(envp),
  );
  return error === 0 && kept.length >= 0 ? pid.readInt32LE(0) : -error;
}

/** posix_spawn_file_actions_t is 80 bytes in glibc, less elsewhere; posix_spawnattr_t is 336. */
const OPAQUE = 1024;

function fileActions(options: SpawnOptions, kept: Uint8Array[]): Uint8Array | undefined {
  if (options.cwd === undefined && options.stdio === undefined) return undefined;
  const { address } = koffi();
  const libc = libraryC();
  const actions = Buffer.alloc(OPAQUE);
  const at = address(actions);
  libc.func('int posix_spawn_file_actions_init(int64)')(at);
  if (options.cwd !== undefined) {
    const cwd = cString(options.cwd);
    kept.push(cwd);
    libc.func('int posix_spawn_file_actions_addchdir_np(int64, int64)')(at, address(cwd));
  }
  if (options.stdio !== undefined) {
    const dup2 = libc.func('int posix_spawn_file_actions_adddup2(int64, int, int)');
    options.stdio.forEach((fd, place) => {
      if (fd < (options.stdio?.length ?? 0) && fd !== place) {
        fail({ code: 'system', message: `descriptor ${fd} lies where another is to be put` });
      }
      dup2(at, fd, place);
    });
  }
  return actions;
}

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;

function sessionAttributes(): Uint8Array {
  const { address } = koffi();
  const libc = libraryC();
  const attributes = Buffer.alloc(OPAQUE);
  const at = address(attributes);
  libc.func('int posix_spawnattr_init(int64)')(at);
  libc.func('int posix_spawnattr_setflags(int64, int16)')(
    at,
    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID,
  );
  // sigset_t is 128 bytes in glibc and musl. The mask's default is empty.
  const all = Buffer.alloc(128, 0xff);
  libc.func('int posix_spawnattr_setsigdefault(int64, int64)')(at, address(all));
  return attributes;
}

export type ExitStatus = { readonly exited: number } | { readonly signal: number };

export function decodeWaitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { exited: (status >> 8) & 0xff } : { signal };
}

/** What a shell would report: 128 and the signal's number for a process that a signal ended. */
export function callersStatus(status: ExitStatus): number {
  return 'exited' in status ? status.exited : 128 + status.signal;
}

/** Waits for a child of ours to end and reaps it. undefined: it is not our child (any more). */
export function waitForChild(pid: number): ExitStatus | undefined {
  const status = Buffer.alloc(8);
  for (;;) {
    const result = syscall('wait4', pid, status, 0, null);
    if (result === pid) return decodeWaitStatus(status.readInt32LE(0));
    if (result !== -4) return undefined;
  }
}
