// A container's terminal and the caller's, brought together for as long as a command stays in the foreground: two relays (init/relay.ts)
// copy, the caller's terminal is raw, and has its size followed.

import { compileRelay, RELAY, type RelayInputs } from '../init/relay.ts';
import { spawnLauncher } from '../init/spawn.ts';
import { memoryFile, writeAll } from '../linux/memfd.ts';
import { closeOnExec, makeInheritable } from '../linux/spawn.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import {
  copyWindowSize,
  endOfInput,
  isInBackground,
  passNewlinesOn,
  rawAttributes,
  setTerminalAttributes,
  terminalAttributes,
} from '../linux/terminal.ts';
import type { ChildWatch } from '../linux/wait.ts';

const STREAMS = [0, 1, 2] as const;
const SIGKILL = 9;
const O_CLOEXEC = 0o2000000;
const SEEK_SET = 0;

export interface Attached {
  /** The caller's terminal has another size (SIGWINCH). */
  resized(): void;
  /** The command was stopped and goes on (SIGCONT): it may be in the foreground now. */
  continued(): void;
  /** The container's program has ended: when the last of its output is written, and the caller's terminal as it was. */
  finish(): Promise<void>;
}

/**
 * Takes charge of `master`. `directory`: see `spawnLauncher`. Throws `system`; then the caller's terminal is as it was.
 */
export function attachTerminal(master: number, children: ChildWatch, directory: string): Attached {
  const own = STREAMS.find((stream) => terminalAttributes(stream) !== undefined);
  const saved = terminalAttributes(0);
  const follow = (): void => {
    if (own !== undefined) copyWindowSize(own, master);
  };
  const enterRaw = (): void => {
    // In the background it is another's; and we would be stopped.
    if (saved !== undefined && !isInBackground(0)) setTerminalAttributes(0, rawAttributes(saved));
  };
  const leaveRaw = (): void => {
    if (saved !== undefined && !isInBackground(0)) setTerminalAttributes(0, saved);
  };
  const relay = (inputs: RelayInputs): number => spawnRelay(inputs, directory);
  const terminal = { fd: master, text: "the container's terminal" };
  const [until, ours] = makePipe();
  passNewlinesOn(master);
  follow();
  let output: number;
  let input: number;
  try {
    output = relay({
      from: terminal,
      to: { fd: 1, text: 'stdout' },
      until: { fd: until, text: 'the runtime' },
      // Also when the runtime is killed.
      ...(saved === undefined || isInBackground(0)
        ? {}
        : { restore: { terminal: { fd: 0, text: 'stdin' }, attributes: saved } }),
    });
    enterRaw();
    input = relay({ from: { fd: 0, text: 'stdin' }, to: terminal });
  } catch (error) {
    leaveRaw();
    for (const fd of [ours, master]) syscall('close', fd);
    throw error;
  } finally {
    syscall('close', until);
  }
  const inputs = [input];
  let isOpen = true;
  const hangUp = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const pid of inputs) syscall('kill', pid, SIGKILL);
    syscall('close', master);
  };
  void children.ended(input).then((status) => {
    inputs.splice(inputs.indexOf(input), 1);
    if (!isOpen || saved !== undefined || status === undefined) return;
    if (!('exited' in status) || status.exited !== RELAY.sourceEnded) return;
    inputs.push(...sendEndOfInput(master, relay));
  });
  const ended = children.ended(output).then((status) => {
    // Nobody reads the output any more: the program is told so, as by a terminal that is closed (SIGHUP).
    if (status === undefined || !('exited' in status) || status.exited !== RELAY.sourceEnded) hangUp();
  });
  return {
    resized: follow,
    continued() {
      enterRaw();
      follow();
    },
    async finish() {
      syscall('close', ours);
      await ended;
      hangUp();
      leaveRaw();
    },
  };
}

/**
 * Input that is no terminal (a pipe, a file) has ended. A terminal has no end; a program that reads lines takes the character for it. Twice:
 * the first one ends a last line that has no newline.
 */
function sendEndOfInput(master: number, relay: (inputs: RelayInputs) => number): number[] {
  const character = endOfInput(master);
  if (character === undefined) return [];
  const file = memoryFile('runt:end-of-input');
  writeAll(file, new Uint8Array([character, character]), 'write the end of the input');
  syscall('lseek', file, 0, SEEK_SET);
  const pid = relay({
    from: { fd: file, text: 'the end of input' },
    to: { fd: master, text: "the container's terminal" },
  });
  syscall('close', file);
  return [pid];
}

function makePipe(): [number, number] {
  const pipe = Buffer.alloc(8);
  mustSyscall({ message: "make the pipe to the terminal's relay" }, 'pipe2', pipe, O_CLOEXEC);
  return [pipe.readInt32LE(0), pipe.readInt32LE(4)];
}

/** Returns its pid: a child of ours. */
function spawnRelay(inputs: RelayInputs, directory: string): number {
  const passed = [inputs.from, inputs.to, inputs.until, inputs.restore?.terminal].flatMap((of) =>
    of === undefined ? [] : [of.fd],
  );
  for (const fd of passed) makeInheritable(fd);
  try {
    return spawnLauncher(compileRelay(inputs), directory).pid;
  } finally {
    for (const fd of passed) if (fd > 2) closeOnExec(fd);
  }
}
