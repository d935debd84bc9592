// The time of day as RFC 3339 has it. The machine only adds and compares: months are in a table.

import type { DataRef, Slot } from '../../init/plan.ts';
import { type Front, ref, set } from '../words.ts';

const CLOCK_REALTIME = 0;
/** When the month begins; the same, negative; its text. */
const ROW = 24;
const YEARS = 3;

/** Writes the time to the address, which is moved on. `now`: milliseconds; times before that month, or years later, are the engine's. */
export function writeTime(front: Front, to: Slot, now: number): void {
  const time = front.plan.variable(16, '{time}');
  front.plan.call('clock_gettime', [CLOCK_REALTIME, time]);
  formatTime(front, time, to, now);
}

/** `time`: a struct timespec. */
export function formatTime(front: Front, time: DataRef, to: Slot, now: number): void {
  const { plan, engine } = front;
  const months = monthTable(now);
  const table = plan.constant(months, '{months}', 8);
  const digits = plan.string(Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0')).join(''));
  const [rest, at, value] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, found] = [plan.label(), plan.label()];
  plan.load(rest, time);
  set(front, at, table);
  plan.load(value, plan.at(at));
  plan.branch(rest, 'less', ref(front, value), engine);
  plan.place(again);
  plan.load(value, plan.at(at, ROW));
  plan.branch(value, 'equal', 0, engine);
  plan.branch(rest, 'less', ref(front, value), found);
  plan.add(at, ROW);
  plan.jump(again);
  plan.place(found);
  plan.load(value, plan.at(at, 16));
  plan.store(value, plan.at(to));
  plan.add(to, 8);
  plan.load(value, plan.at(at, 8));
  plan.add(rest, ref(front, value));
  const pair = (unit: number, first = 0): void => {
    const [more, done] = [plan.label(), plan.label()];
    set(front, value, digits);
    plan.add(value, 2 * first);
    plan.place(more);
    plan.branch(rest, 'less', unit, done);
    plan.add(rest, -unit);
    plan.add(value, 2);
    plan.jump(more);
    plan.place(done);
    plan.load(value, plan.at(value), 2);
    plan.store(value, plan.at(to), 2);
    plan.add(to, 2);
  };
  const character = (text: string): void => {
    set(front, value, text.charCodeAt(0));
    plan.store(value, plan.at(to), 1);
    plan.add(to, 1);
  };
  pair(86_400, 1);
  character('T');
  pair(3600);
  character(':');
  pair(60);
  character(':');
  pair(1);
  character('.');
  plan.load(rest, plan.addressOf(time, 8));
  pair(10_000_000);
  // Milliseconds: the second digit of the next pair is a tenth of one.
  pair(100_000);
  plan.add(to, -1);
  character('Z');
  for (const slot of [rest, at, value]) plan.free(slot);
}

/** Ends with a row of zeros. Pure. */
function monthTable(now: number): Uint8Array {
  const [first, count] = [new Date(now), 12 * YEARS];
  const bytes = Buffer.alloc((count + 1) * ROW);
  for (let index = 0; index < count; index++) {
    const month = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + index);
    const seconds = BigInt(month / 1000);
    bytes.writeBigInt64LE(seconds, index * ROW);
    bytes.writeBigInt64LE(-seconds, index * ROW + 8);
    bytes.write(new Date(month).toISOString().slice(0, 8), index * ROW + 16);
  }
  return bytes;
}
