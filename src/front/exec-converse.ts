// What the front hears until a program that exec adds is executed: container/exec-converse.ts says it with reasons.

import { MESSAGE } from '../init/messages.ts';
import type { DataRef, Label, Slot } from '../init/plan.ts';
import { AT_EMPTY_PATH, AT_FDCWD } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import type { Prepared } from './exec-checks.ts';
import { discardPidFile, type PidFile } from './pid-file.ts';
import { FORWARDED_SIGNALS } from './run-protocol.ts';
import { restoreSignals, SIGNAL_SET, signalSet } from './wait.ts';
import { exit, type Front, ref, set, writeDecimal } from './words.ts';

const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const SIGKILL = 9;
const FAILED = 255;
const MESSAGE_SIZE = 8;
const PROC = '/proc/';

export interface Program {
  /** Of the processes of ours that lead to the program's the one that is there now; not reaped. */
  readonly child: Slot;
  /** 0: not known yet. */
  readonly pid: Slot;
  readonly ours: Slot;
  readonly oldMask: DataRef;
  readonly prepared: Prepared;
  readonly pidFile: PidFile;
}

/** Goes on when the program has been executed. */
export function hearOfProgram(front: Front, program: Program): void {
  const { plan, engine } = front;
  const { child, pid, ours, oldMask, pidFile } = program;
  const message = plan.variable(16, '{message}');
  const [length, kind, value, executing] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [again, quiet, ended, failed, next, known, done] = [
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
  ];
  plan.step({ sentence: 'hear of the program' }, () => {
    set(front, pid, 0);
    set(front, executing, 0);
    plan.place(again);
    plan.call('read', [ref(front, ours), message, 16], { result: length, on: { EAGAIN: quiet, ECONNRESET: ended } });
    plan.branch(length, 'equal', 0, ended);
    plan.branch(length, 'notEqual', MESSAGE_SIZE, failed);
    plan.load(kind, message, 4);
    plan.load(value, plan.addressOf(message, 4), 4);
    plan.branch(kind, 'equal', MESSAGE.successor, next);
    plan.branch(kind, 'equal', MESSAGE.pid, next);
    plan.branch(kind, 'notEqual', MESSAGE.executing, failed);
    set(front, executing, 1);
    plan.jump(again);
  });
  plan.step({ sentence: 'take the process that goes on' }, () => {
    plan.place(next);
    plan.branch(pid, 'notEqual', 0, again);
    // Never a stranger, nor one that is known.
    plan.branch(value, 'equal', ref(front, child), failed);
    const flags = WEXITED | WNOHANG | WNOWAIT;
    plan.withSlot((result) => {
      plan.call('waitid', [P_PID, ref(front, value), 0, flags, 0], { result, ignoreErrors: true });
      plan.branch(result, 'less', 0, failed);
    });
    plan.call('wait4', [ref(front, child), 0, 0, 0], { ignoreErrors: true });
    set(front, child, ref(front, value));
    plan.branch(kind, 'equal', MESSAGE.pid, known);
    plan.jump(again);
    plan.place(known);
    set(front, pid, ref(front, value));
    plan.jump(again);
  });
  plan.step({ sentence: 'pass on what came before the program' }, () => {
    plan.place(quiet);
    passOn(front, program, again);
    plan.branch(executing, 'equal', 0, again);
    plan.branch(pid, 'equal', 0, again);
    // Somebody in the container may hold the other end open.
    isOther(front, program, again, done);
  });
  plan.step({ sentence: 'leave a program that can not be executed to the engine' }, () => {
    plan.place(ended);
    plan.branch(executing, 'equal', 0, failed);
    plan.branch(pid, 'notEqual', 0, done);
    plan.place(failed);
    endChild(front, program);
    restoreSignals(front, oldMask);
    discardPidFile(front, pidFile);
    plan.call('close', [ref(front, ours)], { ignoreErrors: true });
    plan.jump(engine);
    plan.place(done);
  });
  for (const slot of [length, kind, value, executing]) plan.free(slot);
}

function endChild(front: Front, { child }: Program): void {
  const { plan } = front;
  plan.call('kill', [ref(front, child), SIGKILL], { ignoreErrors: true });
  plan.call('wait4', [ref(front, child), 0, 0, 0], { ignoreErrors: true });
}

/** A signal that was sent to the front: for the program, or, where there is none yet (the container is frozen, say), for the front itself. */
function passOn(front: Front, program: Program, again: Label): void {
  const { plan } = front;
  const { pid, oldMask, pidFile } = program;
  const passed = plan.constant(signalSet(Object.values(FORWARDED_SIGNALS)), '{passed on}');
  const [none, early] = [plan.label(), plan.label()];
  plan.withSlot((signal) => {
    const now = plan.constant(new Uint8Array(16), '{0 s}');
    plan.call('rt_sigtimedwait', [passed, 0, now, SIGNAL_SET], { result: signal, on: { EAGAIN: none } });
    plan.branch(pid, 'equal', 0, early);
    plan.call('kill', [ref(front, pid), ref(front, signal)], { ignoreErrors: true });
    plan.jump(again);
    plan.place(early);
    endChild(front, program);
    discardPidFile(front, pidFile);
    restoreSignals(front, oldMask);
    plan.withSlot((own) => {
      plan.call('getpid', [], { result: own });
      plan.call('kill', [ref(front, own), ref(front, signal)], { ignoreErrors: true });
    });
    exit(front, FAILED);
    plan.place(none);
  });
}

/** Goes to `other` where the process executes something else than the launcher's image, else to `same`. */
function isOther(front: Front, { pid, prepared }: Program, same: Label, other: Label): void {
  const { plan } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const path = plan.variable(32, '{/proc/PID/exe}');
  const [number, at, ours, device] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const bytes = Buffer.alloc(8);
  bytes.write(PROC);
  set(front, number, bytes.readBigInt64LE());
  plan.store(number, path);
  set(front, at, path);
  plan.add(at, PROC.length);
  set(front, number, ref(front, pid));
  writeDecimal(front, number, at);
  bytes.fill(0).write('/exe');
  set(front, number, bytes.readBigInt64LE());
  plan.store(number, plan.at(at));
  const mask = plan.value(STATX_MASK.inode, 'STATX_INO');
  plan.call('statx', [ref(front, prepared.memory), '', AT_EMPTY_PATH, mask, found], { ignoreErrors: true });
  plan.load(ours, plan.addressOf(found, STATX.inode));
  plan.load(device, plan.addressOf(found, STATX.fileSystem));
  plan.call('statx', [AT_FDCWD, path, 0, mask, found], { result: number, ignoreErrors: true });
  // It has ended: so will the connection.
  plan.branch(number, 'less', 0, same);
  plan.load(number, plan.addressOf(found, STATX.inode));
  plan.branch(number, 'notEqual', ref(front, ours), other);
  plan.load(number, plan.addressOf(found, STATX.fileSystem));
  plan.branch(number, 'notEqual', ref(front, device), other);
  plan.jump(same);
  for (const slot of [number, at, ours, device]) plan.free(slot);
}
