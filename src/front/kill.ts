// `kill`, as container/kill.ts does it, of a container whose processes end with its init.

import type { Label, Slot } from '../init/plan.ts';
import { AT_EMPTY_PATH, O_CLOEXEC, O_WRONLY } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import { type Container, requireFlag } from './container.ts';
import { openFreezer, THAWED } from './init-process.ts';
import { FLAG } from './record.ts';
import { type CommandLine, expectBytes, expectString, type Front, ref, set } from './words.ts';

const SIGTERM = 15;
const SIGKILL = 9;
/** Names as people write them (signal(7)), with or without SIG; the others are the engine's to look up. */
const NAMED = { TERM: 15, KILL: 9, INT: 2, HUP: 1, QUIT: 3, USR1: 10, USR2: 12, WINCH: 28, CONT: 18, STOP: 19 };
const LARGEST_SIGNAL = 64;
const THAW = 'THAWED';

/** `pidfd`: of init, which lives. Goes on with `done` when the signal is sent. */
export function killQuickly(
  front: Front,
  line: CommandLine,
  container: Container,
  pidfd: Slot,
  done: () => void,
): void {
  const { plan } = front;
  const signal = plan.slot();
  requireFlag(front, container, FLAG.kill);
  plan.step({ sentence: 'read the signal' }, () => readSignal(front, line, signal));
  const [deadly, sent, freezer] = [plan.label(), plan.label(), plan.slot()];
  const send = () => plan.call('pidfd_send_signal', [ref(front, pidfd), ref(front, signal), 0, 0]);
  plan.branch(signal, 'equal', SIGKILL, deadly);
  plan.place(sent);
  plan.step({ sentence: 'send the signal' }, () => {
    send();
    done();
  });
  plan.step({ sentence: 'kill, and thaw what was frozen meanwhile' }, () => {
    plan.place(deadly);
    openMortal(front, container, freezer, sent);
    send();
    thaw(front, freezer);
    done();
  });
  plan.free(freezer);
  plan.free(signal);
}

function readSignal(front: Front, { signal: word }: CommandLine, signal: Slot): void {
  const { plan, engine } = front;
  const [known, name] = [plan.label(), plan.label()];
  set(front, signal, SIGTERM);
  plan.branch(word, 'equal', 0, known);
  plan.load(signal, plan.at(word), 1);
  plan.branch(signal, 'greaterOrEqual', '9'.charCodeAt(0) + 1, name);
  // 0 only probes: the engine's.
  plan.branch(signal, 'less', '1'.charCodeAt(0), engine);
  readNumber(front, word, signal, known);
  plan.place(name);
  const bare = plan.label();
  expectBytes(front, word, Buffer.from('SIG'), bare);
  plan.add(word, 3);
  plan.place(bare);
  for (const [text, number] of Object.entries(NAMED)) {
    const other = plan.label();
    expectString(front, word, text, other);
    set(front, signal, number);
    plan.jump(known);
    plan.place(other);
  }
  plan.jump(engine);
  plan.place(known);
}

/** One digit or two. `signal`: the first. */
function readNumber(front: Front, word: Slot, signal: Slot, known: Label): void {
  const { plan, engine } = front;
  const zero = '0'.charCodeAt(0);
  const [digit, tens] = [plan.slot(), plan.slot()];
  plan.add(signal, -zero);
  plan.load(digit, plan.at(word, 1), 1);
  plan.branch(digit, 'equal', 0, known);
  plan.branch(digit, 'less', zero, engine);
  plan.branch(digit, 'greaterOrEqual', zero + 10, engine);
  set(front, tens, ref(front, signal));
  for (let times = 1; times < 10; times++) plan.add(signal, ref(front, tens));
  plan.add(signal, ref(front, digit));
  plan.add(signal, -zero);
  plan.branch(signal, 'greaterOrEqual', LARGEST_SIGNAL + 1, engine);
  plan.load(digit, plan.at(word, 2), 1);
  plan.branch(digit, 'equal', 0, known);
  plan.jump(engine);
  plan.free(digit);
  plan.free(tens);
}

/**
 * What v1 has frozen does not die before it is thawed: opens its cgroup. Goes to the engine where there are others below it, which could be frozen;
 * to `other` where it is none of v1.
 */
function openMortal(front: Front, container: Container, freezer: Slot, other: Label): void {
  const { plan, engine } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  plan.withSlot((value) => {
    openFreezer(front, container, freezer, value, other);
    plan.branch(value, 'notEqual', 1, other);
    const links = plan.value(STATX_MASK.links, 'STATX_NLINK');
    plan.call('statx', [ref(front, freezer), '', AT_EMPTY_PATH, links, found]);
    // Its own name, and ".".
    plan.load(value, plan.addressOf(found, STATX.links), 4);
    plan.branch(value, 'notEqual', 2, engine);
  });
}

/** Where the cgroup is gone, so is all that was in it. */
function thaw(front: Front, freezer: Slot): void {
  const { plan } = front;
  const gone = plan.label();
  plan.withSlot((fd) => {
    plan.call('openat', [ref(front, freezer), THAWED[1].file, O_WRONLY | O_CLOEXEC], {
      result: fd,
      ignoreErrors: true,
    });
    plan.branch(fd, 'less', 0, gone);
    plan.call('write', [ref(front, fd), THAW, THAW.length], { ignoreErrors: true });
  });
  plan.place(gone);
}
