// When a process was started (proc_pid_stat(5)): by it and its pid a process is known.

import type { Argument } from '../init/builder.ts';
import type { DataRef, Slot } from '../init/plan.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../linux/mount-constants.ts';
import { copyUntil, type Front, ref, set, writeDecimal } from './words.ts';

const PR_SET_NAME = 15;
const STAT_SIZE = 512;
/** The field is the 22nd. */
const BEFORE_START_TIME = 21;

/** The name is in the file, in front of the time: one without spaces. */
export function nameProcess({ plan }: Front): void {
  plan.call('prctl', [plan.value(PR_SET_NAME, 'PR_SET_NAME'), 'runt', 0, 0, 0]);
}

export function writeOwnPid(front: Front, to: Slot): void {
  front.plan.withSlot((pid) => {
    front.plan.call('getpid', [], { result: pid });
    writeDecimal(front, pid, to);
  });
}

export const OWN_STAT = '/proc/self/stat';

/**
 * Clock ticks after boot. `stat`: the file; the name of the process has no spaces. Smaller than to count from the last bracket, as below: each start
 * and each run has it.
 */
export function writeStartTime(front: Front, stat: Argument, to: Slot): void {
  const { plan } = front;
  const text = plan.variable(STAT_SIZE, '{/proc/PID/stat}');
  const [fd, from, byte, spaces] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  plan.call('openat', [AT_FDCWD, stat, O_RDONLY | O_CLOEXEC], { result: fd });
  plan.call('read', [ref(front, fd), text, STAT_SIZE - 1]);
  plan.call('close', [ref(front, fd)]);
  set(front, from, text);
  set(front, spaces, 0);
  const again = plan.label();
  plan.place(again);
  plan.load(byte, plan.at(from), 1);
  plan.add(from, 1);
  plan.branch(byte, 'notEqual', ' '.charCodeAt(0), again);
  plan.add(spaces, 1);
  plan.branch(spaces, 'less', BEFORE_START_TIME, again);
  copyUntil(front, from, to, ' ');
  for (const slot of [fd, from, byte, spaces]) plan.free(slot);
}

/** Larger than it gets. */
const LARGEST_STAT = 1024;
/** Spaces between the bracket behind the name and the field. */
const BEHIND_NAME = 20;
/** Of the process's state, behind that bracket. */
const STATE = 1;

/**
 * Goes to the engine unless the process was started then. `expected`: the digits, and a NUL. `judge` gets the letter of the process's state.
 */
export function expectStartTime(
  front: Front,
  stat: Argument,
  expected: DataRef,
  judge: (state: Slot) => void = () => {},
): void {
  const { plan, engine } = front;
  const text = plan.variable(LARGEST_STAT, '{/proc/PID/stat}');
  const [fd, at, end, byte, other] = [plan.slot(), plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  plan.call('openat', [AT_FDCWD, stat, O_RDONLY | O_CLOEXEC], { result: fd });
  plan.call('read', [ref(front, fd), text, LARGEST_STAT], { result: end });
  plan.call('close', [ref(front, fd)]);
  set(front, at, text);
  plan.add(end, ref(front, at));
  // The name may hold anything: count from the last bracket.
  const next = (): void => {
    plan.load(byte, plan.at(at), 1);
    plan.add(at, 1);
  };
  const [search, searched, notOne] = [plan.label(), plan.label(), plan.label()];
  set(front, other, 0);
  plan.place(search);
  plan.branch(at, 'greaterOrEqual', ref(front, end), searched);
  next();
  plan.branch(byte, 'notEqual', ')'.charCodeAt(0), notOne);
  set(front, other, ref(front, at));
  plan.place(notOne);
  plan.jump(search);
  plan.place(searched);
  plan.branch(other, 'equal', 0, engine);
  set(front, at, ref(front, other));
  plan.load(byte, plan.at(at, STATE), 1);
  judge(byte);
  const [count, compare, same] = [plan.label(), plan.label(), plan.label()];
  set(front, other, 0);
  plan.place(count);
  plan.branch(at, 'greaterOrEqual', ref(front, end), engine);
  next();
  plan.branch(byte, 'notEqual', ' '.charCodeAt(0), count);
  plan.add(other, 1);
  plan.branch(other, 'less', BEHIND_NAME, count);
  set(front, fd, expected);
  plan.place(compare);
  next();
  plan.load(other, plan.at(fd), 1);
  plan.add(fd, 1);
  const more = plan.label();
  plan.branch(other, 'notEqual', 0, more);
  plan.branch(byte, 'equal', ' '.charCodeAt(0), same);
  plan.jump(engine);
  plan.place(more);
  plan.branch(byte, 'notEqual', ref(front, other), engine);
  plan.jump(compare);
  plan.place(same);
  for (const slot of [fd, at, end, byte, other]) plan.free(slot);
}
