// What the front hears until a program that exec adds is executed: container/exec-converse.ts says it with reasons.

import { MESSAGE } from '../init/messages.ts';
import type { Label, Slot } from '../init/plan.ts';
import { AT_EMPTY_PATH, AT_FDCWD } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import type { Prepared } from './exec-checks.ts';
import { discardPidFile, type PidFile } from './pid-file.ts';
import { PROC_PATH_SIZE, writeProcPath } from './proc-path.ts';
import { FORWARDED_SIGNALS } from './run-protocol.ts';
import { SIGNAL_SET, signalSet } from './wait.ts';
import { exit, type Front, ref, set } from './words.ts';

const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const SIGKILL = 9;
const STDERR = 2;
const FAILED = 255;
const MESSAGE_SIZE = 8;

/** More messages than a launcher has to send: somebody else writes them. */
const MANY = 16;
/** siginfo_t (sigaction(2)): its size, and where the pid is. */
const SIGINFO = { sizeOf: 128, pid: 16 } as const;
/** What a terminal or a shell sends that is no reason to end. */
const PATIENT: readonly string[] = ['SIGCONT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH'];

export interface Program {
  /** Of the processes of ours that lead to the program's the one that is there now; not reaped. */
  readonly child: Slot;
  /** 0: not known yet. */
  readonly pid: Slot;
  readonly ours: Slot;
  /** A child of ours that is none of these; 0: there is none. */
  readonly preparer: Slot;
  readonly prepared: Prepared;
  readonly pidFile: PidFile;
}

/** Goes on when the program has been executed. Never twice: the engine does it only where it is not known that it was. */
export function hearOfProgram(front: Front, program: Program): void {
  const { plan, engine } = front;
  const { child, pid, ours, preparer, pidFile } = program;
  const message = plan.variable(16, '{message}');
  const [length, kind, value, executing, over, count] = [
    plan.slot(),
    plan.slot(),
    plan.slot(),
    plan.slot(),
    plan.slot(),
    plan.slot(),
  ];
  const [again, quiet, ended, refused, failed, next, done] = [
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
  ];
  plan.step({ sentence: 'hear of the program' }, () => {
    for (const slot of [pid, executing, over, count]) set(front, slot, 0);
    plan.place(again);
    plan.branch(count, 'greaterOrEqual', MANY, quiet);
    plan.call('read', [ref(front, ours), message, 16], { result: length, on: { EAGAIN: quiet, ECONNRESET: ended } });
    plan.branch(length, 'equal', 0, ended);
    plan.add(count, 1);
    plan.branch(length, 'notEqual', MESSAGE_SIZE, refused);
    plan.load(kind, message, 4);
    plan.load(value, plan.addressOf(message, 4), 4);
    plan.branch(kind, 'equal', MESSAGE.successor, next);
    plan.branch(kind, 'equal', MESSAGE.pid, next);
    plan.branch(kind, 'notEqual', MESSAGE.executing, refused);
    set(front, executing, 1);
    plan.jump(again);
  });
  plan.step({ sentence: 'take the process that goes on' }, () => {
    plan.place(next);
    plan.branch(pid, 'notEqual', 0, again);
    // Never a stranger, nor one that is known.
    plan.branch(value, 'equal', ref(front, child), failed);
    plan.branch(value, 'equal', ref(front, preparer), failed);
    const flags = WEXITED | WNOHANG | WNOWAIT;
    plan.withSlot((result) => {
      plan.call('waitid', [P_PID, ref(front, value), 0, flags, 0], { result, ignoreErrors: true });
      plan.branch(result, 'less', 0, failed);
    });
    plan.call('wait4', [ref(front, child), 0, 0, 0], { ignoreErrors: true });
    set(front, child, ref(front, value));
    plan.branch(kind, 'notEqual', MESSAGE.pid, again);
    set(front, pid, ref(front, value));
    plan.jump(again);
  });
  plan.step({ sentence: 'look at what came meanwhile' }, () => {
    plan.place(quiet);
    set(front, count, 0);
    const goesOn = plan.label();
    passOn(front, program, goesOn);
    plan.place(goesOn);
    plan.branch(pid, 'equal', 0, again);
    // Somebody in the container may hold the other end open, or write to it. What a process has said before it ended can be read by now.
    plan.branch(over, 'notEqual', 0, ended);
    hasEnded(front, pid, over);
    plan.branch(over, 'notEqual', 0, again);
    const same = plan.label();
    isOther(front, program, same, done);
    plan.place(same);
    plan.jump(again);
  });
  plan.step({ sentence: 'leave a program that can not be executed to the engine' }, () => {
    plan.place(refused);
    // A message of the launcher's, or of whoever is in the container when the program is there.
    plan.branch(pid, 'equal', 0, failed);
    isOther(front, program, failed, done);
    plan.place(ended);
    plan.branch(executing, 'equal', 0, failed);
    plan.branch(pid, 'notEqual', 0, done);
    endWith(front, program, 'nobody has told which process the program is\n');
    plan.place(failed);
    endChild(front, program);
    discardPidFile(front, pidFile);
    plan.call('close', [ref(front, ours)], { ignoreErrors: true });
    plan.jump(engine);
    plan.place(done);
  });
  for (const slot of [length, kind, value, executing, over, count]) plan.free(slot);
}

function endChild(front: Front, { child }: Program): void {
  const { plan } = front;
  plan.call('kill', [ref(front, child), SIGKILL], { ignoreErrors: true });
  plan.call('wait4', [ref(front, child), 0, 0, 0], { ignoreErrors: true });
}

/** Where the engine can't do it again. */
export function endWith(front: Front, program: Program, reason: string): void {
  const { plan } = front;
  const text = `runt: exec: ${reason}`;
  endChild(front, program);
  discardPidFile(front, program.pidFile);
  plan.call('write', [STDERR, text, Buffer.byteLength(text)], { ignoreErrors: true });
  exit(front, FAILED);
}

/** over = 1 where the process, a child of ours, has ended; it is not reaped. */
function hasEnded(front: Front, pid: Slot, over: Slot): void {
  const { plan } = front;
  const info = plan.variable(SIGINFO.sizeOf, '{siginfo}');
  const alive = plan.label();
  plan.withSlot((found) => {
    set(front, found, 0);
    plan.store(found, plan.addressOf(info, SIGINFO.pid));
    const flags = WEXITED | WNOHANG | WNOWAIT;
    plan.call('waitid', [P_PID, ref(front, pid), info, flags, 0], { ignoreErrors: true });
    plan.load(found, plan.addressOf(info, SIGINFO.pid), 4);
    plan.branch(found, 'equal', 0, alive);
    set(front, over, 1);
    plan.place(alive);
  });
}

/** A signal that was sent to the front: for the program, or, where there is none yet (the container is frozen, say), for the front itself. */
function passOn(front: Front, program: Program, goesOn: Label): void {
  const { plan } = front;
  const { pid } = program;
  const all = Object.entries(FORWARDED_SIGNALS);
  const passed = plan.constant(signalSet(all.map(([, number]) => number)), '{passed on}');
  const ending = all.flatMap(([name, number]) => (PATIENT.includes(name) ? [] : [number]));
  const early = plan.label();
  const now = plan.constant(new Uint8Array(16), '{0 s}');
  plan.withSlot((signal) => {
    plan.branch(pid, 'equal', 0, early);
    plan.call('rt_sigtimedwait', [passed, 0, now, SIGNAL_SET], { result: signal, on: { EAGAIN: goesOn } });
    plan.call('kill', [ref(front, pid), ref(front, signal)], { ignoreErrors: true });
    plan.jump(goesOn);
    plan.place(early);
    // Those that are not in this set wait for the program.
    const fatal = plan.constant(signalSet(ending), '{ending}');
    plan.call('rt_sigtimedwait', [fatal, 0, now, SIGNAL_SET], { result: signal, on: { EAGAIN: goesOn } });
    endWith(front, program, 'a signal came before the program was executed\n');
  });
}

/** Goes to `other` where the process executes something else than the launcher's image, else to `same`. */
function isOther(front: Front, { pid, prepared }: Program, same: Label, other: Label): void {
  const { plan } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const path = plan.variable(PROC_PATH_SIZE, '{/proc/PID/exe}');
  writeProcPath(front, path, pid, '/exe');
  const [number, ours, device] = [plan.slot(), plan.slot(), plan.slot()];
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
  for (const slot of [number, ours, device]) plan.free(slot);
}
