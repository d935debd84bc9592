// `state`, as container/state.ts tells it, of a container whose init lives.

import type { DataRef, Slot } from '../init/plan.ts';
import { type Container, loadPlace } from './container.ts';
import { expectThawed, expectWaiting, openFreezer } from './init-process.ts';
import { LARGEST, OFFSET } from './record.ts';
import { copyUntil, type Front, pollEntry, ref, set, writeDecimal } from './words.ts';

const STDOUT = 1;
/** poll(2) */
const POLLOUT = 4;
/** Of what stands between the two texts of the record. */
const ROOM = 128;

/** Goes on with `done` when it is printed. */
export function showState(front: Front, container: Container, done: () => void): void {
  const { plan } = front;
  const text = plan.variable(2 * LARGEST + ROOM, '{state}');
  const to = plan.slot();
  plan.step({ sentence: 'see that it is not paused' }, () => expectNotPaused(front, container));
  plan.step({ sentence: 'put the state together' }, () => {
    set(front, to, text);
    copyText(front, container, OFFSET.stateBegin, to);
    copyString(front, '"pid": ', to);
    plan.withSlot((pid) => {
      plan.load(pid, plan.addressOf(container.record, OFFSET.pid));
      writeDecimal(front, pid, to);
    });
    const [started, known] = [plan.label(), plan.label()];
    expectWaiting(front, container, started);
    copyString(front, ',\n  "status": "created"', to);
    plan.jump(known);
    plan.place(started);
    copyString(front, ',\n  "status": "running"', to);
    plan.place(known);
    copyText(front, container, OFFSET.stateEnd, to);
  });
  plan.step({ sentence: 'print it' }, () => {
    print(front, text, to);
    done();
  });
  plan.free(to);
}

/** A container that was paused by us has no record for the front, but others freeze cgroups, too. */
function expectNotPaused(front: Front, container: Container): void {
  const { plan } = front;
  const [directory, version] = [plan.slot(), plan.slot()];
  const [second, thawed] = [plan.label(), plan.label()];
  openFreezer(front, container, directory, version, thawed);
  plan.branch(version, 'notEqual', 1, second);
  expectThawed(front, directory, 1);
  plan.jump(thawed);
  plan.place(second);
  expectThawed(front, directory, 2);
  plan.place(thawed);
  plan.free(directory);
  plan.free(version);
}

/** The text of the record that begins where `field` says. */
function copyText(front: Front, container: Container, field: number, to: Slot): void {
  front.plan.withSlot((from) => {
    loadPlace(front, container, field, from);
    copyUntil(front, from, to, '\0');
  });
}

function copyString(front: Front, text: string, to: Slot): void {
  const { plan } = front;
  plan.withSlot((from) => {
    set(front, from, plan.string(text));
    copyUntil(front, from, to, '\0');
  });
}

/** What comes before `end`. What is not taken at once, as by a pipe that is full and does not block, is given bit by bit. */
function print(front: Front, text: DataRef, end: Slot): void {
  const { plan } = front;
  const [from, length] = [plan.slot(), plan.slot()];
  const [again, full, done] = [plan.label(), plan.label(), plan.label()];
  set(front, from, text);
  set(front, length, ref(front, end));
  plan.add(length, -plan.address(text));
  plan.place(again);
  plan.withSlot((written) => {
    plan.call('write', [STDOUT, ref(front, from), ref(front, length)], { result: written, on: { EAGAIN: full } });
    plan.add(from, ref(front, written));
  });
  plan.branch(from, 'greaterOrEqual', ref(front, end), done);
  set(front, length, 1);
  plan.jump(again);
  plan.place(full);
  plan.call('ppoll', [pollEntry(front, STDOUT, POLLOUT), 1, 0, 0]);
  set(front, length, 1);
  plan.jump(again);
  plan.place(done);
  plan.free(from);
  plan.free(length);
}
