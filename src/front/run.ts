// A foreground `run` (run-protocol.ts): an engine creates the container; the front starts it, passes signals on, waits, and deletes it.

import type { DataRef, Slot } from '../init/plan.ts';
import { O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY } from '../linux/mount-constants.ts';
import { executePrepared } from './bundle/execute.ts';
import { openContainer } from './container.ts';
import { deleteQuickly } from './delete.ts';
import { replaceName } from './engine.ts';
import { DECLINED, EXIT_FILE, ORPHANED, REPORT, REPORT_FD, RESUMED, SUPERVISED } from './run-protocol.ts';
import { startQuickly } from './start.ts';
import { exitWith, keepSignals, restoreSignals, SIGCHLD, SIGNAL_SET, type Waiting, waitForEnd } from './wait.ts';
import { type CommandLine, expectBytes, type Front, ref, refuseVariable, set } from './words.ts';

const F_GETFD = 1;
const PR_SET_CHILD_SUBREAPER = 36;

/** Words that leave a `run` to the engine. */
const UNSUPERVISED = ['-d', '--d', '-keep', '--keep', '-no-sub', '--no-sub', '-h', '--h'];

/** Variables that are meant for the process that creates the container, by its pid (sd_listen_fds(3), sd_notify(3)). */
const UNSUPERVISED_VARIABLES = ['LISTEN_FDS=', 'NOTIFY_SOCKET='];

/** What must be undone, or told, when an engine takes over. */
export interface Supervision {
  /** 0: nothing was begun; CREATED; ENDED. */
  readonly stage: Slot;
  /** 1: signals are kept, and `oldMask` is what was before. */
  readonly masked: Slot;
  readonly oldMask: DataRef;
  /** What wait4(2) said. */
  readonly status: DataRef;
  readonly directory: Slot;
}
const CREATED = 1;
const ENDED = 2;

export function declareSupervision({ plan }: Front): Supervision {
  const status = plan.variable(8, '{status}');
  return {
    stage: plan.slot(),
    masked: plan.slot(),
    oldMask: plan.variable(SIGNAL_SET, '{mask}'),
    status,
    directory: plan.slot(),
  };
}

/** `next`: the address of the word `run` in argv. */
export function runSupervised(front: Front, line: CommandLine, next: Slot, supervision: Supervision): void {
  const { plan, engine } = front;
  plan.step({ sentence: 'see that run is one to wait for' }, () => {
    plan.withSlot((at) => {
      set(front, at, ref(front, next));
      refuseWords(front, at);
    });
    for (const variable of UNSUPERVISED_VARIABLES) refuseVariable(front, line.envp, variable);
  });
  const [reader, writer, child, whole] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const parent = plan.label();
  plan.step({ sentence: 'see whether the streams are open' }, () => haveStreams(front, whole));
  plan.step({ sentence: 'have a child make the container' }, () => {
    makePipe(front, reader, writer);
    plan.call('clone', [SIGCHLD, 0, 0, 0, 0], { result: child });
    plan.branch(child, 'notEqual', 0, parent);
    plan.call('dup3', [ref(front, writer), REPORT_FD, 0]);
    replaceName(front, line, SUPERVISED);
    plan.branch(whole, 'equal', 0, engine);
    executePrepared(front, line, next);
    plan.jump(engine);
    plan.place(parent);
  });
  const signals = keepSignals(front, supervision.oldMask);
  set(front, supervision.masked, 1);
  const report = plan.variable(REPORT.largest + 8, '{report}');
  const [handedOver, declined] = [plan.label(), plan.label()];
  const waiting: Waiting = { signals, status: supervision.status, target: child };
  plan.step({ sentence: 'wait for the container' }, () => {
    plan.call('close', [ref(front, writer)], { ignoreErrors: true });
    plan.withSlot((length) => {
      plan.call('read', [ref(front, reader), report, REPORT.largest], { result: length, ignoreErrors: true });
      plan.branch(length, 'greaterOrEqual', REPORT.root + 4, handedOver);
      plan.branch(length, 'equal', DECLINED.length, declined);
    });
    plan.call('close', [ref(front, reader)], { ignoreErrors: true });
  });
  // The engine does it all, or has failed.
  const lost = plan.label();
  waitForEnd(front, waiting, lost);
  clearUp(front, line, supervision);
  exitWith(front, supervision.status);
  plan.place(lost);
  plan.step({ sentence: 'the engine is gone without a trace' }, () => plan.call('exit_group', [255]));
  plan.place(declined);
  plan.step({ sentence: 'leave it to the engine' }, () => {
    // Nobody may be left whom it did not start.
    plan.call('wait4', [ref(front, child), 0, 0, 0], { ignoreErrors: true });
    plan.jump(engine);
  });
  plan.place(handedOver);
  superviseContainer(front, line, supervision, report, waiting);
}

/**
 * The engine gets what is sent to the whole job (Ctrl-C), and does not hold it off as this process does. Where it was ended by a signal another one
 * removes what it had made by then; the signals are held off for that.
 */
function clearUp(front: Front, line: CommandLine, { status, masked }: Supervision): void {
  const { plan, engine } = front;
  const [over, parent] = [plan.label(), plan.label()];
  plan.step({ sentence: 'have what the engine has left taken away' }, () => {
    plan.withSlot((child) => {
      plan.load(child, status, 1);
      plan.branch(child, 'equal', 0, over);
      plan.call('clone', [SIGCHLD, 0, 0, 0, 0], { result: child, ignoreErrors: true });
      plan.branch(child, 'notEqual', 0, parent);
      set(front, masked, 0);
      replaceName(front, line, ORPHANED);
      plan.jump(engine);
      plan.place(parent);
      plan.branch(child, 'less', 0, over);
      plan.call('wait4', [ref(front, child), 0, 0, 0], { ignoreErrors: true });
    });
    plan.place(over);
  });
}

function superviseContainer(
  front: Front,
  line: CommandLine,
  supervision: Supervision,
  report: DataRef,
  waiting: Waiting,
): void {
  const { plan } = front;
  set(front, supervision.stage, CREATED);
  set(front, line.root, plan.addressOf(report, REPORT.root));
  set(front, line.id, report);
  plan.withSlot((offset) => {
    plan.load(offset, plan.addressOf(report, REPORT.id), 4);
    plan.add(line.id, ref(front, offset));
  });
  plan.load(waiting.target, plan.addressOf(report, REPORT.pid), 4);
  const container = openContainer(front, line);
  set(front, supervision.directory, ref(front, container.directory));
  const running = plan.label();
  startQuickly(front, container, () => plan.jump(running));
  plan.place(running);
  waitForEnd(front, waiting);
  set(front, supervision.stage, ENDED);
  deleteQuickly(front, line, container, () => exitWith(front, supervision.status));
}

function refuseWords(front: Front, next: Slot): void {
  const { plan, engine } = front;
  const [word, again, done] = [plan.slot(), plan.label(), plan.label()];
  plan.place(again);
  plan.add(next, 8);
  plan.load(word, plan.at(next));
  plan.branch(word, 'equal', 0, done);
  for (const begin of UNSUPERVISED) {
    const other = plan.label();
    expectBytes(front, word, Buffer.from(begin), other);
    plan.jump(engine);
    plan.place(other);
  }
  plan.jump(again);
  plan.place(done);
  plan.free(word);
}

/** Before anything could get the number of one that the caller has closed: an engine opens something in its place. */
function haveStreams(front: Front, whole: Slot): void {
  const { plan } = front;
  const closed = plan.label();
  set(front, whole, 0);
  for (const stream of [0, 1, 2]) plan.call('fcntl', [stream, F_GETFD, 0], { on: { EBADF: closed } });
  set(front, whole, 1);
  plan.place(closed);
}

/** Nothing may be at REPORT_FD, which the child will put the writing end at. */
function makePipe(front: Front, reader: Slot, writer: Slot): void {
  const { plan, engine } = front;
  const free = plan.label();
  plan.call('fcntl', [REPORT_FD, F_GETFD, 0], { on: { EBADF: free } });
  plan.jump(engine);
  plan.place(free);
  const pipe = plan.variable(8, '{pipe}');
  plan.call('pipe2', [pipe, O_CLOEXEC]);
  plan.load(reader, pipe, 4);
  plan.load(writer, plan.addressOf(pipe, 4), 4);
  // The container's init is the engine's child, and ours when that has ended.
  plan.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0]);
}

/** Where the front gives up a `run` that it supervises: the engine takes the container over. Nothing here may fail in the machine's sense. */
export function prepareTakeOver(
  front: Front,
  line: CommandLine,
  { stage, masked, oldMask, status, directory }: Supervision,
): void {
  const { plan } = front;
  const [nothing, running, unmasked] = [plan.label(), plan.label(), plan.label()];
  plan.branch(masked, 'equal', 0, unmasked);
  restoreSignals(front, oldMask);
  plan.place(unmasked);
  plan.branch(stage, 'equal', 0, nothing);
  plan.branch(stage, 'equal', CREATED, running);
  plan.withSlot((fd) => {
    const flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    plan.call('openat', [ref(front, directory), EXIT_FILE, flags, 0o600], { result: fd, ignoreErrors: true });
    plan.call('write', [ref(front, fd), status, 8], { ignoreErrors: true });
  });
  plan.place(running);
  replaceName(front, line, RESUMED);
  plan.place(nothing);
}
