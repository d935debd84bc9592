// The way a plan is written: steps/ emit operations and data here, in order. Addresses of data are known at once
// (machine/format.ts puts the data where its place does not depend on the number of operations), so structures that
// contain pointers are ordinary constants.

import { fail } from '../error.ts';
import type { ErrnoName } from '../linux/errno.ts';
import { ERRNO } from '../linux/errno.ts';
import type { SyscallName } from '../linux/syscall-numbers.ts';
import { createDataArea } from './data-area.ts';
import { CONSTANT_ADDRESS, dataAddress, MAX_ROWS, MAX_VARIABLE_SIZE, VARIABLE_ADDRESS } from './machine/format.ts';
import type {
  CallOperation,
  Comparison,
  DataRef,
  Immediate,
  Indirect,
  Label,
  OnErrno,
  Operand,
  Operation,
  Plan,
  Section,
  Slot,
  SlotRef,
  Step,
  Width,
} from './plan.ts';
import { FAILURE_RECORD, SLOTS } from './plan.ts';

/** An argument of a call: a number is an immediate shown in decimal, a string a pointer to a NUL-terminated constant. */
export type Argument = Operand | number | bigint | string;

export interface CallOptions {
  /** Receives what the call returns (-errno where the plan goes on after an error). */
  readonly result?: Slot;
  /** The plan goes on after any error. */
  readonly ignoreErrors?: boolean;
  /** Where to go on after these errors; at most two. `{ ENOENT: label }`. */
  readonly on?: Readonly<Partial<Record<ErrnoName, Label>>> | readonly OnErrno[];
}

export interface PlanBuilder {
  /** What `body` emits belongs to `step`. Steps nest: after an inner one the outer one goes on. */
  step<T>(step: Step, body: () => T): T;
  /** The next operation begins a section of the listing. */
  section(title: string): void;

  call(name: SyscallName, args: readonly Argument[], options?: CallOptions): void;
  jump(to: Label): void;
  /** Goes to the label if the comparison (signed, 64 bits) of the slot with the value, or the other slot, holds. */
  branch(slot: Slot, compare: Comparison, value: number | bigint | SlotRef, to: Label): void;
  /** slot = the zero-extended `width` bytes (by default 8) at the place. */
  load(slot: Slot, from: DataRef | Indirect, width?: Width): void;
  /** The low `width` bytes (by default 8) of the slot go to variable data. */
  store(slot: Slot, to: DataRef | Indirect, width?: Width): void;
  /** slot = slot + operand, modulo 2^64. */
  add(slot: Slot, operand: Argument): void;
  /** Ends init as if a call had failed with this errno. */
  fail(errno: number): void;

  label(): Label;
  /** The label stands for the next operation. */
  place(label: Label): void;

  /** A slot that nobody uses, until it is freed. Its value is whatever it was used for before. */
  slot(name?: string): Slot;
  /** The slot may be given to others. */
  free(slot: Slot): void;
  /** A slot for what `body` emits; freed after it. */
  withSlot<T>(body: (slot: Slot) => T): T;
  slotRef(slot: Slot): SlotRef;
  /** The place `offset` bytes from the address that the slot has when the plan runs. */
  at(base: Slot, offset?: number): Indirect;

  /** An immediate, and how `runt plan` shows it: `value(0x4000, 'MS_REC')`. */
  value(value: number | bigint, text?: string): Immediate;
  /** A NUL-terminated constant in UTF-8; the same text is stored once. */
  string(text: string): DataRef;
  /** Read-only data; the same few bytes are stored once. */
  constant(bytes: Uint8Array, text: string, align?: number): DataRef;
  /** Writable data of that many zeros, or with these initial bytes. Zeros at its end take no space in the image. */
  variable(sizeOrBytes: number | Uint8Array, text: string, align?: number): DataRef;
  /** A constant array of 64-bit addresses; null is a null pointer. For argv, close it with null. */
  pointers(refs: readonly (DataRef | null)[], text: string): DataRef;
  /** The place `delta` bytes into the data: a field of a structure. */
  addressOf(ref: DataRef, delta?: number): DataRef;
  /** The address of data as a number, for a structure that contains a pointer. */
  address(ref: DataRef): bigint;
  /** The failure record: index of the failed operation, errno (64 bits each). For the failure handler. */
  readonly failureRecord: DataRef;

  /**
   * The finished plan. Throws a RuntError for what a plan may not have: a label that is used but not placed, too many
   * operations or variable data.
   */
  finish(failureHandler: Label): Plan;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const NOT_PLACED = -1;

/** A plan with nothing in it. Throws (all functions of it do) RuntErrors: `config` for a string with a NUL byte, `unsupported` for what is too much for the machine, `init` for a use that makes no sense. */
export function createPlanBuilder(): PlanBuilder {
  const operations: Operation[] = [];
  const sections: Section[] = [];
  const labels: number[] = [];
  const constants = createDataArea('constant', CONSTANT_ADDRESS, 0);
  const variables = createDataArea('variable', VARIABLE_ADDRESS, FAILURE_RECORD.size);
  const inUse: boolean[] = new Array<boolean>(SLOTS).fill(false);
  const slotRefs: SlotRef[] = [];
  let slots = 0;
  let current: Step | undefined;

  function stepOf(what: string): Step {
    return current ?? misuse(`${what} is in no step`);
  }

  function step<T>(next: Step, body: () => T): T {
    const outer = current;
    current = next;
    const result = body();
    current = outer;
    return result;
  }

  function operand(argument: Argument): Operand {
    if (typeof argument === 'object') return argument;
    return typeof argument === 'string' ? constants.string(argument) : value(argument);
  }

  function call(name: SyscallName, given: readonly Argument[], options?: CallOptions): void {
    if (given.length > 6) misuse(`${name} has ${given.length} arguments`);
    const args: Operand[] = [];
    for (const argument of given) args.push(operand(argument));
    const operation: Writable<CallOperation> = { kind: 'call', name, args, step: stepOf(name) };
    if (options !== undefined) {
      if (options.result !== undefined) operation.result = options.result;
      if (options.ignoreErrors === true) operation.ignoreErrors = true;
      if (options.on !== undefined) operation.on = handlers(name, options.on);
    }
    operations.push(operation);
  }

  function slot(name?: string): Slot {
    const free = inUse.indexOf(false);
    if (free < 0) {
      const purpose = name === undefined ? '' : ` for ${name}`;
      fail({ code: 'unsupported', message: `the plan needs more than ${SLOTS} slots at a time${purpose}` });
    }
    inUse[free] = true;
    slots = Math.max(slots, free + 1);
    return free as Slot;
  }

  function free(used: Slot): void {
    if (inUse[used] !== true) misuse(`slot ${used} is freed, but not in use`);
    inUse[used] = false;
  }

  function withSlot<T>(body: (slot: Slot) => T): T {
    const scoped = slot();
    const result = body(scoped);
    free(scoped);
    return result;
  }

  function place(label: Label): void {
    if (labels[label] !== NOT_PLACED) misuse(`label ${label} is placed twice`);
    labels[label] = operations.length;
  }

  function finish(failureHandler: Label): Plan {
    if (operations.length > MAX_ROWS) {
      fail({ code: 'unsupported', message: `the plan has ${operations.length} operations, more than ${MAX_ROWS}` });
    }
    if (variables.size() > MAX_VARIABLE_SIZE) {
      fail({
        code: 'unsupported',
        message: `the plan has ${variables.size()} bytes of variable data, more than ${MAX_VARIABLE_SIZE}`,
      });
    }
    requirePlaced(failureHandler, 'the failure handler');
    for (const operation of operations) {
      if (operation.kind === 'jump' || operation.kind === 'branch') requirePlaced(operation.to, operation.kind);
      else if (operation.kind === 'call' && operation.on !== undefined) {
        for (const { to } of operation.on) requirePlaced(to, operation.name);
      }
    }
    return {
      operations,
      labels,
      constant: constants.bytes(),
      variable: variables.bytes(),
      slots,
      failureHandler,
      ...(sections.length === 0 ? {} : { sections }),
    };
  }

  function requirePlaced(label: Label, user: string): void {
    const at = labels[label] ?? NOT_PLACED;
    if (at === NOT_PLACED) misuse(`${user} goes to label ${label}, which is not placed`);
    if (at >= operations.length) misuse(`${user} goes to label ${label}, which is behind the last operation`);
  }

  return {
    step,
    section: (title) => void sections.push({ title, at: operations.length }),
    call,
    jump: (to) => void operations.push({ kind: 'jump', to, step: current }),
    branch: (of, compare, than, to) =>
      void operations.push({
        kind: 'branch',
        slot: of,
        compare,
        value: typeof than === 'object' ? than : BigInt(than),
        to,
        step: current,
      }),
    load(to, from, width = 8) {
      if (from.kind === 'data') requireRoom(from, width);
      operations.push({ kind: 'load', slot: to, from, width, step: current });
    },
    store(from, to, width = 8) {
      if (to.kind === 'data') requireRoom(to, width);
      if (to.kind === 'data' && to.segment === 'constant') misuse(`a store to the constant ${to.text}`);
      operations.push({ kind: 'store', slot: from, to, width, step: current });
    },
    add: (to, argument) => void operations.push({ kind: 'add', slot: to, operand: operand(argument), step: current }),
    fail(errno) {
      if (errno < 1 || errno > 4095) misuse(`a failure with errno ${errno}`);
      operations.push({ kind: 'fail', errno, step: stepOf('a failure') });
    },
    label: () => (labels.push(NOT_PLACED) - 1) as Label,
    place,
    slot,
    free,
    withSlot,
    slotRef(of) {
      const known = slotRefs[of];
      if (known !== undefined) return known;
      const made: SlotRef = { kind: 'slot', slot: of };
      slotRefs[of] = made;
      return made;
    },
    at: (base, offset = 0) => ({ kind: 'indirect', base, offset }),
    value,
    string: constants.string,
    constant: constants.add,
    variable: (sizeOrBytes, text, align) =>
      typeof sizeOrBytes === 'number'
        ? variables.reserve(sizeOrBytes, text, align)
        : variables.append(sizeOrBytes, text, align),
    pointers(refs, text) {
      const addresses = new BigUint64Array(refs.length);
      for (const [index, ref] of refs.entries()) addresses[index] = ref === null ? 0n : BigInt(dataAddress(ref));
      return constants.add(new Uint8Array(addresses.buffer), text);
    },
    addressOf,
    address: (ref) => BigInt(dataAddress(ref)),
    failureRecord: { kind: 'data', segment: 'variable', ...FAILURE_RECORD, text: '{failure}' },
    finish,
  };
}

function value(of: number | bigint, text?: string): Immediate {
  return { kind: 'immediate', value: BigInt(of), text: text ?? String(of) };
}

function handlers(name: SyscallName, given: NonNullable<CallOptions['on']>): readonly OnErrno[] {
  const on = isList(given) ? given : byName(given);
  if (on.length > 2) misuse(`${name} handles ${on.length} errors, two at most are possible`);
  for (const { errno } of on) {
    if (errno === ERRNO.EINTR) misuse(`${name} handles EINTR, which the machine does itself`);
  }
  return on;
}

function byName(on: Readonly<Partial<Record<ErrnoName, Label>>>): readonly OnErrno[] {
  const handled: OnErrno[] = [];
  for (const name of Object.keys(on) as ErrnoName[]) {
    const to = on[name];
    if (to !== undefined) handled.push({ errno: ERRNO[name], to });
  }
  return handled;
}

function isList(on: NonNullable<CallOptions['on']>): on is readonly OnErrno[] {
  return Array.isArray(on);
}

function addressOf(ref: DataRef, delta = 0): DataRef {
  if (delta === 0) return ref;
  if (delta < 0 || delta > ref.size) misuse(`byte ${delta} of ${ref.text}, which has ${ref.size}`);
  return { ...ref, offset: ref.offset + delta, size: ref.size - delta, text: `${ref.text}+${delta}` };
}

function requireRoom(ref: DataRef, width: Width): void {
  if (width > ref.size) misuse(`${width} bytes at ${ref.text}, which has ${ref.size}`);
}

/** A defect of the steps that write the plan, not of the config. */
function misuse(message: string): never {
  fail({ code: 'init', message: `a defect of runt's plan: ${message}` });
}
