// Texts with values in them: written by one writev(2), whose pieces lie where they are.

import type { DataRef, Slot } from '../../init/plan.ts';
import { type Front, ref, set, writeDecimal } from '../words.ts';
import type { Template, Value } from './description.ts';

/** struct iovec: where it begins, how long it is. */
const PIECE = 16;
const LENGTH = 8;
/** The longest value, an id, with its NUL. */
const ROOM = 64;
const ENOSPC = 28;

export interface Texts {
  /** Writes the value to the address in the slot, which it leaves behind the last byte. */
  readonly fill: (value: Value, write: (to: Slot) => void) => void;
  readonly fillNumber: (value: Value, number: Slot) => void;
  /** The bytes of a value, NULs behind it. */
  readonly place: (value: Value) => DataRef;
  /** Writes the text; its values must have been filled in. Fails where not all of it can be written. */
  readonly write: (text: Template, fd: Slot) => void;
}

/** Each value goes to wherever it is needed in these texts. */
export function createTexts(front: Front, texts: readonly Template[]): Texts {
  const { plan } = front;
  const places = new Map<Value, DataRef>();
  const lengths = new Map<Value, DataRef[]>();
  const place = (value: Value): DataRef => {
    const known = places.get(value);
    if (known !== undefined) return known;
    const made = plan.variable(ROOM, `{${value}}`);
    places.set(value, made);
    return made;
  };
  const vectors = new Map<Template, { readonly pieces: DataRef; readonly fixed: number }>();
  for (const text of texts) {
    const bytes = Buffer.alloc(text.length * PIECE);
    let fixed = 0;
    text.forEach((part, index) => {
      if (typeof part !== 'string') {
        bytes.writeBigUInt64LE(plan.address(place(part.value)), index * PIECE);
        return;
      }
      const constant = Buffer.from(part);
      bytes.writeBigUInt64LE(plan.address(plan.constant(constant, '{text}')), index * PIECE);
      bytes.writeBigUInt64LE(BigInt(constant.length), index * PIECE + LENGTH);
      fixed += constant.length;
    });
    const pieces = plan.variable(bytes, '{pieces}', 8);
    vectors.set(text, { pieces, fixed });
    text.forEach((part, index) => {
      if (typeof part === 'string') return;
      const length = plan.addressOf(pieces, index * PIECE + LENGTH);
      lengths.set(part.value, [...(lengths.get(part.value) ?? []), length]);
    });
  }
  const fill: Texts['fill'] = (value, write) =>
    plan.withSlot((to) => {
      const begin = place(value);
      set(front, to, begin);
      write(to);
      plan.add(to, -plan.address(begin));
      for (const length of lengths.get(value) ?? []) plan.store(to, length);
    });
  return {
    fill,
    fillNumber: (value, number) => fill(value, (to) => writeDecimal(front, number, to)),
    place,
    write(text, fd) {
      const vector = vectors.get(text);
      if (vector === undefined) return;
      const { pieces, fixed } = vector;
      const [total, part, written] = [plan.slot(), plan.slot(), plan.slot()];
      set(front, total, fixed);
      text.forEach((of, index) => {
        if (typeof of === 'string') return;
        plan.load(part, plan.addressOf(pieces, index * PIECE + LENGTH));
        plan.add(total, ref(front, part));
      });
      plan.call('writev', [ref(front, fd), pieces, text.length], { result: written });
      const whole = plan.label();
      plan.branch(written, 'equal', ref(front, total), whole);
      plan.fail(ENOSPC);
      plan.place(whole);
      for (const slot of [total, part, written]) plan.free(slot);
    },
  };
}
