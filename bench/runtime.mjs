// A runtime as the benchmark uses it: its commands timed, its containers cleaned up, its complaints kept.

import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a command did wrong, in the runtime's own words. */
export class RuntimeFailure extends Error {}

/** The programs that are compared where none is named on the command line, runc first: the others are put in relation to it. */
export function findOnPath(name, path = process.env.PATH ?? '') {
  // Debian keeps runc in /usr/sbin, which is not on everybody's PATH.
  for (const directory of [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin']) {
    if (directory === '') continue;
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

export function version(path) {
  const { stdout, status, error } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) throw new RuntimeFailure(error.message);
  if (status !== 0) throw new RuntimeFailure(`--version ended with ${status}`);
  return stdout.split('\n')[0];
}

/**
 * A runtime with a state directory of its own below `stateRoot`. Standard output goes nowhere and standard error into a file, the same for all: a
 * pipe would be inherited by the container's init, and waiting for its end would wait for the container.
 */
export function makeRuntime({ name, path, required, stateRoot, scratch }) {
  const root = join(stateRoot, name);
  mkdirSync(root, { recursive: true });
  const complaints = join(scratch, `${name}.stderr`);
  const stderr = openSync(complaints, 'a');
  const alive = new Set();
  let count = 0;

  const spawn = (args, timeout) =>
    spawnSync(path, ['--root', root, ...args], {
      stdio: ['ignore', 'ignore', stderr],
      ...(timeout === undefined ? {} : { timeout, killSignal: 'SIGKILL' }),
    });

  const why = (args, result) => {
    const said = readFileSync(complaints, 'utf8').trim().split('\n').at(-1)?.slice(0, 300);
    const end = result.error?.message ?? (result.signal === null ? `status ${result.status}` : result.signal);
    return `${args[0]}: ${said || end}`;
  };

  return {
    name,
    path,
    required,
    /** A name for a container that nobody else has. */
    newId: () => `bench-${process.pid}-${name}-${count++}`,
    /** Milliseconds from before the fork to the end of the command; throws RuntimeFailure where it did not succeed. */
    time(args, { id, timeout } = {}) {
      if (id !== undefined) alive.add(id);
      ftruncateSync(stderr, 0);
      const before = process.hrtime.bigint();
      const result = spawn(args, timeout);
      const after = process.hrtime.bigint();
      if (result.status !== 0) throw new RuntimeFailure(why(args, result));
      return Number(after - before) / 1e6;
    },
    /** The container is known to be gone. */
    forget: (id) => alive.delete(id),
    /** Deletes what a failed measurement may have left. */
    cleanUp() {
      for (const id of alive) {
        spawn(['delete', '--force', id], 10_000);
        alive.delete(id);
      }
    },
    close() {
      this.cleanUp();
      closeSync(stderr);
    },
  };
}

const cell = new Int32Array(new SharedArrayBuffer(4));

export const wait = (milliseconds) => void Atomics.wait(cell, 0, 0, milliseconds);

/**
 * Waits, outside of what is timed, until a process has ended: it is a zombie or no more there (proc_pid_stat(5), field 3). Ten seconds
 * at most.
 */
export function waitForEnd(pid) {
  const deadline = process.hrtime.bigint() + 10_000_000_000n;
  while (process.hrtime.bigint() < deadline) {
    let stat;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    } catch {
      return; // ENOENT, or ESRCH: it is gone
    }
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
    if (state === 'Z' || state === 'X') return;
    wait(0.2);
  }
  throw new RuntimeFailure(`process ${pid} of the container has not ended within 10 s`);
}
