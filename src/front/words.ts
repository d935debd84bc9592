// What the front's parts are written with: the machine's operations, put together to sentences.

import type { PlanBuilder } from '../init/builder.ts';
import type { DataRef, Label, Operand, Slot, SlotRef } from '../init/plan.ts';

export interface Front {
  readonly plan: PlanBuilder;
  /** Where to go when the engine must do it. */
  readonly engine: Label;
}

/** Slots of the command line, and of what was opened for it. A slot that holds an address is 0 where there is none. */
export interface CommandLine {
  /** Address of argv[0]'s address. */
  readonly argv: Slot;
  readonly envp: Slot;
  readonly root: Slot;
  readonly log: Slot;
  readonly id: Slot;
  readonly command: Slot;
  readonly force: Slot;
  /** --systemd-cgroup was given. */
  readonly systemd: Slot;
  /** Of `kill`: the word. */
  readonly signal: Slot;
  /** Of `exec`: where the words of the program begin, or the file that describes it; the pid file; whether it is detached. */
  readonly program: Slot;
  readonly description: Slot;
  readonly pidFile: Slot;
  readonly detach: Slot;
}

/** slot = operand */
export function set({ plan }: Front, slot: Slot, operand: Operand | number | bigint): void {
  plan.load(slot, zero(plan));
  if (operand !== 0) plan.add(slot, operand);
}

export function zero(plan: PlanBuilder): DataRef {
  return plan.constant(new Uint8Array(8), '{0}');
}

/** Goes to `otherwise` unless the bytes at the slot's address begin with `bytes`; one comparison for 8, 4, 2 or 1 of them. */
export function expectBytes({ plan }: Front, address: Slot, bytes: Buffer, otherwise: Label): void {
  plan.withSlot((part) => {
    for (let at = 0; at < bytes.length; ) {
      const left = bytes.length - at;
      const width = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      plan.load(part, plan.at(address, at), width);
      const value = bytes.readUIntLE(at, Math.min(width, 4));
      const expected = width === 8 ? bytes.readBigInt64LE(at) : value;
      plan.branch(part, 'notEqual', expected, otherwise);
      at += width;
    }
  });
}

/** Goes to `otherwise` unless the NUL-terminated string at the slot's address is `text`. */
export function expectString(front: Front, address: Slot, text: string, otherwise: Label): void {
  expectBytes(front, address, Buffer.from(`${text}\0`), otherwise);
}

/** Goes to `found` (by default to the engine) where the environment has a variable that begins like this. */
export function refuseVariable(front: Front, envp: Slot, begin: string, found: Label = front.engine): void {
  const { plan } = front;
  const [at, variable] = [plan.slot(), plan.slot()];
  const [again, other, done] = [plan.label(), plan.label(), plan.label()];
  set(front, at, ref(front, envp));
  plan.place(again);
  plan.load(variable, plan.at(at));
  plan.branch(variable, 'equal', 0, done);
  expectBytes(front, variable, Buffer.from(begin), other);
  plan.jump(found);
  plan.place(other);
  plan.add(at, 8);
  plan.jump(again);
  plan.place(done);
  for (const slot of [at, variable]) plan.free(slot);
}

/** Copies bytes from one address to another, both of which it moves on, until it meets `delimiter`, which it leaves. */
export function copyUntil({ plan }: Front, from: Slot, to: Slot, delimiter: string): void {
  const [again, done] = [plan.label(), plan.label()];
  plan.withSlot((byte) => {
    plan.place(again);
    plan.load(byte, plan.at(from), 1);
    plan.branch(byte, 'equal', delimiter.charCodeAt(0), done);
    plan.store(byte, plan.at(to), 1);
    plan.add(from, 1);
    plan.add(to, 1);
    plan.jump(again);
    plan.place(done);
  });
}

/** slots as arguments of a call */
export function ref(front: Front, slot: Slot): SlotRef {
  return front.plan.slotRef(slot);
}

/** A struct pollfd (poll(2)) for one descriptor. */
export function pollEntry(front: Front, fd: Operand | number, events: number): DataRef {
  const { plan } = front;
  const entry = plan.variable(8, '{fd, events}');
  plan.withSlot((value) => {
    set(front, value, fd);
    plan.store(value, entry, 4);
    set(front, value, events);
    plan.store(value, plan.addressOf(entry, 4), 2);
  });
  return entry;
}

export function exit(front: Front, status: number): void {
  front.plan.call('exit_group', [status]);
}

const DIGITS = 19;
const POWERS = Array.from({ length: DIGITS }, (_, index) => 10n ** BigInt(DIGITS - 1 - index));

/** Writes the number (below 2^63, which the slot loses) in decimal to the address, which is moved on behind it. */
export function writeDecimal(front: Front, number: Slot, to: Slot): void {
  const { plan } = front;
  const half = POWERS.length * 8;
  const bytes = Buffer.alloc(2 * half);
  POWERS.forEach((power, index) => {
    bytes.writeBigInt64LE(-power, index * 8);
    bytes.writeBigInt64LE(power, half + index * 8);
  });
  const table = plan.constant(bytes, '{-10^18 … -1, 10^18 … 1}');
  const [at, power, digit, begun] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [next, again, counted, write, skip] = [plan.label(), plan.label(), plan.label(), plan.label(), plan.label()];
  set(front, at, table);
  set(front, begun, 0);
  plan.place(next);
  plan.load(power, plan.at(at));
  set(front, digit, '0'.charCodeAt(0));
  plan.place(again);
  plan.add(number, ref(front, power));
  plan.branch(number, 'less', 0, counted);
  plan.add(digit, 1);
  plan.jump(again);
  plan.place(counted);
  // Once too often.
  plan.load(power, plan.at(at, half));
  plan.add(number, ref(front, power));
  plan.branch(begun, 'notEqual', 0, write);
  plan.branch(digit, 'equal', '0'.charCodeAt(0), skip);
  plan.place(write);
  set(front, begun, 1);
  plan.store(digit, plan.at(to), 1);
  plan.add(to, 1);
  plan.place(skip);
  plan.add(at, 8);
  plan.withSlot((end) => {
    set(front, end, table);
    plan.add(end, half);
    plan.branch(at, 'less', ref(front, end), next);
  });
  for (const slot of [at, power, digit, begun]) plan.free(slot);
}
