// `start`, as container/start.ts does it, for a container whose init waits.

import { MESSAGE } from '../init/messages.ts';
import type { DataRef, Slot } from '../init/plan.ts';
import { O_CLOEXEC, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY } from '../linux/mount-constants.ts';
import { type Container, requireFlag } from './container.ts';
import { expectWaiting } from './init-process.ts';
import { ANSWER_FIFO, ORDER_FIFO, TAKEN } from './names.ts';
import { ANSWER_FILE, FLAG } from './record.ts';
import { nameProcess, OWN_STAT, writeOwnPid, writeStartTime } from './start-time.ts';
import { type Front, ref, set } from './words.ts';

/** Init's messages: a few dozen bytes. */
const LARGEST_ANSWER = 4096;
const PART = 256;

/** Goes on with `done` when the program runs. */
export function startQuickly(front: Front, container: Container, done: () => void): void {
  const { plan } = front;
  requireFlag(front, container, FLAG.start);
  plan.step({ sentence: 'see that init still waits' }, () => expectWaiting(front, container, front.engine));
  const taken = plan.variable(64, '"start.PID.TIME"');
  const reader = plan.slot();
  plan.step({ sentence: 'take the order' }, () => takeOrder(front, container, taken));
  plan.step({ sentence: 'listen to init' }, () => openAnswer(front, container, reader));
  plan.step({ sentence: 'give the order' }, () => giveOrder(front, container, taken));
  plan.step({ sentence: 'hear what init makes of it' }, () => hear(front, container, reader));
  plan.step({ sentence: 'the program runs' }, () => {
    plan.call('unlinkat', [ref(front, container.directory), taken, 0], { ignoreErrors: true });
    done();
  });
}

const START = Buffer.from(TAKEN.padEnd(8, '\0'));

/** Renames the FIFO to a name that tells who has it (container/store.ts, takeOrder): "start.PID.TIME". */
function takeOrder(front: Front, { directory }: Container, taken: DataRef): void {
  const { plan } = front;
  const [to, byte] = [plan.slot(), plan.slot()];
  nameProcess(front);
  set(front, byte, START.readBigInt64LE());
  plan.store(byte, taken);
  set(front, to, plan.addressOf(taken, TAKEN.length));
  writeOwnPid(front, to);
  set(front, byte, '.'.charCodeAt(0));
  plan.store(byte, plan.at(to), 1);
  plan.add(to, 1);
  writeStartTime(front, OWN_STAT, to);
  plan.call('renameat2', [ref(front, directory), ORDER_FIFO, ref(front, directory), taken, 0]);
  for (const slot of [to, byte]) plan.free(slot);
}

/** linux/fifo-reader.ts says why it takes three. */
function openAnswer(front: Front, { directory }: Container, reader: Slot): void {
  const { plan } = front;
  const [first, writer] = [plan.slot(), plan.slot()];
  const open = (flags: number, result: Slot): void =>
    plan.call('openat', [ref(front, directory), ANSWER_FIFO, flags | O_CLOEXEC], { result });
  open(O_RDONLY | O_NONBLOCK, first);
  open(O_WRONLY | O_NONBLOCK, writer);
  open(O_RDONLY, reader);
  for (const slot of [writer, first]) {
    plan.call('close', [ref(front, slot)]);
    plan.free(slot);
  }
}

function giveOrder(front: Front, { directory }: Container, taken: DataRef): void {
  const { plan } = front;
  const gone = plan.label();
  plan.withSlot((fd) => {
    // ENXIO: init has ended. Its answer tells.
    plan.call('openat', [ref(front, directory), taken, O_WRONLY | O_NONBLOCK | O_CLOEXEC], {
      result: fd,
      on: { ENXIO: gone },
    });
    plan.call('write', [ref(front, fd), '1', 1]);
    plan.call('close', [ref(front, fd)]);
  });
  plan.place(gone);
}

/** All that init says. If that is more or less than that the program is next, the engine gets it in a file. */
function hear(front: Front, { directory }: Container, reader: Slot): void {
  const { plan, engine } = front;
  const answer = plan.variable(LARGEST_ANSWER + PART, '{answer}');
  const begin = plan.address(answer);
  const [to, length] = [plan.slot(), plan.slot()];
  const [again, complete, other, running] = [plan.label(), plan.label(), plan.label(), plan.label()];
  set(front, to, answer);
  plan.place(again);
  plan.call('read', [ref(front, reader), ref(front, to), PART], { result: length });
  plan.branch(length, 'equal', 0, complete);
  plan.add(to, ref(front, length));
  plan.branch(to, 'less', begin + BigInt(LARGEST_ANSWER), again);
  plan.place(complete);
  plan.branch(to, 'notEqual', begin + 8n, other);
  plan.load(length, answer, 4);
  plan.branch(length, 'equal', MESSAGE.executing, running);
  plan.place(other);
  plan.withSlot((fd) => {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    plan.call('openat', [ref(front, directory), ANSWER_FILE, flags, 0o600], { result: fd });
    plan.add(to, -begin);
    plan.call('write', [ref(front, fd), answer, ref(front, to)]);
  });
  plan.jump(engine);
  plan.place(running);
  plan.free(to);
  plan.free(length);
}
