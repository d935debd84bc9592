// When a process was started (proc_pid_stat(5)): by it and its pid a process is known.

import type { Argument } from '../init/builder.ts';
import type { Slot } from '../init/plan.ts';
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

/** Clock ticks after boot. `stat`: the file; the name of the process has no spaces. */
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
