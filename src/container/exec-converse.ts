// What the runtime hears until a program that exec adds is executed.

import { fail } from '../error.ts';
import { GO, MESSAGE } from '../init/messages.ts';
import type { Plan } from '../init/plan.ts';
import { waitForReadable } from '../linux/pidfd.ts';
import { executedFile, processStat } from '../linux/procfs.ts';
import { sendPacket } from '../linux/sockets.ts';
import { waitForChild } from '../linux/spawn.ts';
import { stepProblem } from './problems.ts';
import { receiveMessage } from './receive.ts';
import { startStep } from './start-steps.ts';

/** How long, in milliseconds, a message is waited for before other things are looked at. */
const PATIENCE = 200;

export interface Heard {
  /** Processes of ours that may not have been reaped: the launcher, its successor, the program's. */
  readonly children: number[];
  /** The program's process, once it is known. */
  pid?: number;
  /** A signal for the program that came before that. */
  signal?: number;
}

export interface ExecListener {
  /** The program's process waits for what this does. */
  ready(pid: number): Promise<void>;
  /** How many processes the launcher has been followed by when the seccomp filter is installed. */
  readonly beforeFilter: number;
  /** The seccomp filter is there, and notifies: its listener has this number in that process. */
  filtered(pid: number, descriptor: number): void;
}

/**
 * Returns when the program has been executed; `heard` is kept up to date. Throws `exec`, `init`. `image` is that of the launcher
 * (`executedFile`). Asynchronous for the signals that come while it takes long: the launcher stands still in a paused container.
 */
export async function hearOfProgram(
  channel: number,
  plan: Plan,
  image: string,
  heard: Heard,
  { ready, filtered, beforeFilter }: ExecListener,
): Promise<void> {
  let executing = false;
  let followed = 0;
  let listener: number | undefined;
  let waits = false;
  for (;;) {
    // Its process may say so before the one that cloned it has told its pid.
    if (waits && heard.pid !== undefined) {
      await ready(heard.pid);
      waits = false;
      sendPacket(channel, GO);
    }
    // This, too.
    if (listener !== undefined && followed >= beforeFilter) {
      // Of the processes so far only the last one lives.
      filtered(heard.children.at(-1) ?? 0, listener);
      listener = undefined;
      sendPacket(channel, GO);
    }
    if (!waitForReadable(channel, PATIENCE)) {
      await new Promise((resolve) => setTimeout(resolve));
      if (heard.pid === undefined) {
        if (heard.signal === undefined) continue;
        fail({ code: 'init', message: `signal ${heard.signal} came before the program was executed` });
      }
      // The program's process can be seen in the container by now. Whoever may trace it there can hold its end of the socket open:
      // then there is no end of the connection.
      const state = processStat(heard.pid)?.state ?? 'Z';
      if (state !== 'Z' && state !== 'X' && executedFile(heard.pid) === image) continue;
      // What it had to say it said before that.
      if (!waitForReadable(channel, 0)) {
        if (executing) return;
        ended();
      }
    }
    const message = receiveMessage(channel);
    if (message === undefined) {
      if (executing) return;
      ended();
    }
    if (message.kind === 'failure') fail(stepProblem(startStep(plan, message.operation), message.errno));
    switch (message.type) {
      case MESSAGE.successor:
      case MESSAGE.pid:
        if (heard.pid === undefined) next(message.value, message.type === MESSAGE.pid, heard);
        followed += 1;
        break;
      case MESSAGE.listener:
        listener = message.value;
        break;
      case MESSAGE.ready:
        waits = true;
        break;
      case MESSAGE.executing:
        executing = true;
        break;
      default:
        fail({ code: 'init', message: `the launcher sent a message that means nothing (${message.type})` });
    }
  }
}

/** The process that was there before has ended, or is about to. */
function next(pid: number, isProgram: boolean, heard: Heard): void {
  // Written by the process before, unless somebody in the container traces the new one: never signal a stranger.
  if (processStat(pid)?.parent !== process.pid || heard.children.includes(pid))
    fail({ code: 'init', message: `the launcher named a process that is not its own (${pid})` });
  for (const before of heard.children.splice(0)) waitForChild(before);
  heard.children.push(pid);
  if (isProgram) heard.pid = pid;
}

function ended(): never {
  fail({
    code: 'init',
    message: 'the process ended without a word before the program was executed',
    hint: 'was it killed, or did a memory limit hit it? see the kernel log',
  });
}
