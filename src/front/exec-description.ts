// The file that describes the process of an exec (--process): the same as the one that was prepared, but for its `args`, which are read here. It is
// JSON as engines write it (RFC 8259); whatever else it may be is the engine's.

import type { DataRef, Label, Slot } from '../init/plan.ts';
import { branchUnlessType } from '../init/steps/device-type.ts';
import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_NONBLOCK, O_PATH, O_RDONLY } from '../linux/mount-constants.ts';
import { S_IF, STATX, STATX_MASK } from '../linux/statx.ts';
import type { Prepared } from './exec-checks.ts';
import { ENTRY, LARGEST_PROCESS, OFFSET } from './exec-record.ts';
import { type CommandLine, type Front, ref, set } from './words.ts';

const MOST_ARGUMENTS = 1024;
/** Bytes of the file that are read at a time. */
const PART = 4096;
const ASCII = 0x80;
const QUOTE = '"'.charCodeAt(0);
const FIRST_CHARACTER = 0x20;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Changes `line.program` to the arguments of the description, where there is one. */
export function readDescription(front: Front, line: CommandLine, { record }: Prepared, stale: Label): void {
  const { plan } = front;
  const none = plan.label();
  plan.branch(line.description, 'equal', 0, none);
  plan.step({ sentence: 'read the description of the process' }, () => {
    const text = plan.variable(LARGEST_PROCESS + PART + 8, '{process}');
    const [at, end, expected] = [plan.slot(), plan.slot(), plan.slot()];
    readFile(front, line, text, end);
    set(front, at, text);
    findParts(front, record, expected);
    compare(front, record, { at, end, expected, size: OFFSET.before }, stale);
    const vector = plan.variable((MOST_ARGUMENTS + 1) * 8, '{args}');
    readArguments(front, at, vector);
    compare(front, record, { at, end, expected, size: OFFSET.behind }, stale);
    // There is nothing else behind it.
    plan.branch(at, 'notEqual', ref(front, end), stale);
    set(front, line.program, vector);
    for (const slot of [at, end, expected]) plan.free(slot);
  });
  plan.place(none);
}

/** Whoever reads a pipe leaves nothing for the engine: nothing but a file is read here, or by an engine that prepares. */
export function requireFile(front: Front, { description }: CommandLine): void {
  const { plan, engine } = front;
  const [fd, type, found] = [plan.slot(), plan.slot(), plan.variable(STATX.sizeOf, '{statx}')];
  const plain = plan.label();
  plan.branch(description, 'equal', 0, plain);
  plan.step({ sentence: 'see that the process is described by a file' }, () => {
    plan.call('openat', [AT_FDCWD, ref(front, description), O_PATH | O_CLOEXEC], { result: fd });
    const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
    plan.call('statx', [ref(front, fd), '', AT_EMPTY_PATH, mask, found]);
    plan.call('close', [ref(front, fd)]);
    branchUnlessType(plan, found, type, S_IF.regular, engine);
  });
  plan.place(plain);
  plan.free(fd);
  plan.free(type);
}

/** `end`: the address behind its last byte, where a NUL is. */
function readFile(front: Front, { description }: CommandLine, text: DataRef, end: Slot): void {
  const { plan, engine } = front;
  const [fd, complete, again] = [plan.slot(), plan.label(), plan.label()];
  plan.call('openat', [AT_FDCWD, ref(front, description), O_RDONLY | O_NONBLOCK | O_CLOEXEC], { result: fd });
  set(front, end, text);
  plan.withSlot((length) => {
    plan.place(again);
    plan.withSlot((room) => {
      set(front, room, plan.addressOf(text, LARGEST_PROCESS));
      plan.branch(end, 'greaterOrEqual', ref(front, room), engine);
    });
    plan.call('read', [ref(front, fd), ref(front, end), PART], { result: length });
    plan.branch(length, 'equal', 0, complete);
    plan.add(end, ref(front, length));
    plan.jump(again);
    plan.place(complete);
    plan.store(length, plan.at(end));
  });
  plan.call('close', [ref(front, fd)]);
  plan.free(fd);
}

/** Behind the entries. */
function findParts(front: Front, record: DataRef, expected: Slot): void {
  const { plan } = front;
  const [again, done] = [plan.label(), plan.label()];
  set(front, expected, plan.addressOf(record, OFFSET.entries));
  plan.withSlot((size) => {
    plan.place(again);
    plan.load(size, plan.at(expected, ENTRY.size));
    plan.branch(size, 'equal', 0, done);
    plan.add(expected, ref(front, size));
    plan.jump(again);
    plan.place(done);
  });
  plan.add(expected, 8);
}

interface Part {
  /** Both are moved on. */
  readonly at: Slot;
  readonly expected: Slot;
  readonly end: Slot;
  /** Where the record has its size. */
  readonly size: number;
}

/** Goes to `stale` unless the text goes on as the part of the record says. */
function compare(front: Front, record: DataRef, { at, expected, end, size }: Part, stale: Label): void {
  const { plan } = front;
  const [until, one, other] = [plan.slot(), plan.slot(), plan.slot()];
  const [words, bytes, done] = [plan.label(), plan.label(), plan.label()];
  plan.load(until, plan.addressOf(record, size));
  plan.add(until, ref(front, at));
  plan.branch(end, 'less', ref(front, until), stale);
  const step = (width: 1 | 8, again: Label): void => {
    plan.load(one, plan.at(at), width);
    plan.load(other, plan.at(expected), width);
    plan.branch(one, 'notEqual', ref(front, other), stale);
    plan.add(at, width);
    plan.add(expected, width);
    plan.jump(again);
  };
  plan.place(words);
  set(front, one, ref(front, at));
  plan.add(one, 8);
  plan.branch(until, 'less', ref(front, one), bytes);
  step(8, words);
  plan.place(bytes);
  plan.branch(at, 'equal', ref(front, until), done);
  step(1, bytes);
  plan.place(done);
  for (const slot of [until, one, other]) plan.free(slot);
}

/** An array of strings, which are put right where they lie; `at` is moved behind it. */
function readArguments(front: Front, at: Slot, vector: DataRef): void {
  const { plan, engine } = front;
  const [byte, to, next] = [plan.slot(), plan.slot(), plan.slot()];
  const [string, character, plain, special, ended] = [
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
    plan.label(),
  ];
  const take = (): void => {
    plan.load(byte, plan.at(at), 1);
    plan.add(at, 1);
  };
  const require = (text: string): void => plan.branch(byte, 'notEqual', text.charCodeAt(0), engine);
  set(front, next, vector);
  take();
  require('[');
  plan.place(string);
  take();
  require('"');
  plan.withSlot((last) => {
    set(front, last, plan.addressOf(vector, MOST_ARGUMENTS * 8));
    plan.branch(next, 'greaterOrEqual', ref(front, last), engine);
  });
  plan.store(at, plan.at(next));
  plan.add(next, 8);
  set(front, to, ref(front, at));
  plan.place(character);
  take();
  plan.branch(byte, 'less', FIRST_CHARACTER, engine);
  // Is it UTF-8? The engine tells.
  plan.branch(byte, 'greaterOrEqual', ASCII, engine);
  plan.branch(byte, 'equal', QUOTE, ended);
  plan.branch(byte, 'notEqual', '\\'.charCodeAt(0), plain);
  take();
  plan.branch(byte, 'equal', 'u'.charCodeAt(0), special);
  lookUp(front, byte, escapeTable(), '{escapes}');
  plan.branch(byte, 'equal', 0, engine);
  plan.jump(plain);
  plan.place(special);
  readCodePoint(front, at, byte);
  plan.place(plain);
  plan.store(byte, plan.at(to), 1);
  plan.add(to, 1);
  plan.jump(character);
  plan.place(ended);
  // Over the quotation mark, or before it.
  set(front, byte, 0);
  plan.store(byte, plan.at(to), 1);
  take();
  plan.branch(byte, 'equal', ','.charCodeAt(0), string);
  require(']');
  set(front, byte, 0);
  plan.store(byte, plan.at(next));
  for (const slot of [byte, to, next]) plan.free(slot);
}

/** byte = table[byte] */
function lookUp(front: Front, byte: Slot, table: Uint8Array, text: string): void {
  const { plan } = front;
  plan.withSlot((place) => {
    set(front, place, plan.constant(table, text));
    plan.add(place, ref(front, byte));
    plan.load(byte, plan.at(place), 1);
  });
}

function escapeTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (const [letter, meant] of Object.entries(ESCAPES)) table[letter.charCodeAt(0)] = meant.charCodeAt(0);
  return table;
}

/** Four hexadecimal digits: Go writes <, > and & like that. Of characters beyond ASCII it does not, and they are the engine's. */
function readCodePoint(front: Front, at: Slot, value: Slot): void {
  const { plan, engine } = front;
  const digits = new Uint8Array(256);
  // One more than the digit: 0 is none.
  for (let digit = 0; digit < 16; digit++) {
    digits[digit.toString(16).charCodeAt(0)] = digit + 1;
    digits[digit.toString(16).toUpperCase().charCodeAt(0)] = digit + 1;
  }
  set(front, value, 0);
  plan.withSlot((digit) => {
    for (let place = 0; place < 4; place++) {
      for (let doubled = 0; doubled < 4; doubled++) plan.add(value, ref(front, value));
      plan.load(digit, plan.at(at), 1);
      plan.add(at, 1);
      lookUp(front, digit, digits, '{hexadecimal}');
      plan.branch(digit, 'equal', 0, engine);
      plan.add(digit, -1);
      plan.add(value, ref(front, digit));
    }
  });
  plan.branch(value, 'equal', 0, engine);
  plan.branch(value, 'greaterOrEqual', ASCII, engine);
}
