// A plan as an executable: a static ELF file (elf(5)) of the interpreter, the rows and the data, and nothing else.
//
//   file offset   what                                               mapped
//   0             ELF header, program headers, interpreter           R-X at ADDRESS.code
//   0x380         parameters, constant data, rows, a word of zeros,  R-- at ADDRESS.readOnly + 0x380
//                 initial bytes of the variable data
//   (nothing)     slots, variable data                               RW- at ADDRESS.slots: anonymous memory, zero
//
// The initial bytes are copied into the variable data by the interpreter. So what the plan writes is never a copy of a page
// of the file, and no address in the plan depends on how many operations it has.
// On the hot path: one allocation, no object per row.

import { fail } from '../error.ts';
import { ERRNO } from '../linux/errno.ts';
import type { Architecture } from '../linux/syscall-numbers.ts';
import { SYSCALL_NUMBERS } from '../linux/syscall-numbers.ts';
import { CODE } from './machine/code.ts';
import {
  ADDRESS,
  COMPARISON,
  dataAddress,
  MAX_ROWS,
  MAX_VARIABLE_SIZE,
  NO_SLOT,
  OPCODE,
  PARAMETERS,
  READ_ONLY_OFFSET,
  ROW,
} from './machine/format.ts';
import type {
  CallOperation,
  DataRef,
  Indirect,
  Label,
  LoadOperation,
  Operand,
  Operation,
  Plan,
  Slot,
  StoreOperation,
  Width,
} from './plan.ts';
import { FAILURE_RECORD, SLOTS } from './plan.ts';

const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;
const PROGRAM_HEADERS = 4;
/** The interpreter's place in the file. */
export const CODE_OFFSET = ELF_HEADER + PROGRAM_HEADERS * PROGRAM_HEADER;

const ELF_MACHINE = { x64: 62, arm64: 183 } as const;
// The largest page size of each: 4 KiB on x86-64; 4, 16 or 64 KiB on arm64, as the kernel was built.
const PAGE_SIZE = { x64: 0x1000, arm64: 0x10000 } as const;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/**
 * The executable of a plan, to be written to a file or memfd and executed. It needs no arguments and no environment.
 * Throws a RuntError (`init`) for a plan that the machine can't carry out: those of createPlanBuilder can.
 */
export function encodeImage(plan: Plan, architecture: Architecture): Uint8Array {
  const { operations, constant, variable } = plan;
  if (operations.length > MAX_ROWS) defect(`${operations.length} operations`);
  if (variable.length < FAILURE_RECORD.size || variable.length > MAX_VARIABLE_SIZE) {
    defect(`${variable.length} bytes of variable data`);
  }
  const initialSize = multipleOf8(Math.max(FAILURE_RECORD.size, sizeWithoutTrailingZeros(variable)));
  const constantAt = READ_ONLY_OFFSET + PARAMETERS.size;
  const rowsAt = multipleOf8(constantAt + constant.length);
  const initialAt = rowsAt + operations.length * ROW + 8; // 8: the word of zeros behind the rows
  const size = initialAt + initialSize;

  const bytes = Buffer.alloc(size); // its own memory, from offset 0: alloc does not take from Node's pool
  const words = new Uint32Array(bytes.buffer);
  writeHeaders(words, architecture, size, variable.length);
  writeCode(bytes, CODE[architecture]);

  const parameters = READ_ONLY_OFFSET / 4;
  words[parameters + PARAMETERS.rows / 4] = ADDRESS.readOnly + rowsAt;
  words[parameters + PARAMETERS.failureHandler / 4] =
    ADDRESS.readOnly + rowsAt + rowOf(plan, plan.failureHandler) * ROW;
  words[parameters + PARAMETERS.initial / 4] = ADDRESS.readOnly + initialAt;
  words[parameters + PARAMETERS.initialSize / 4] = initialSize;

  bytes.set(constant, constantAt);
  writeRows(plan, SYSCALL_NUMBERS[architecture], words, new BigInt64Array(bytes.buffer), rowsAt / 4);
  bytes.set(variable.subarray(0, Math.min(initialSize, variable.length)), initialAt);
  return new Uint8Array(bytes.buffer);
}

function writeHeaders(words: Uint32Array, architecture: Architecture, fileSize: number, variableSize: number): void {
  words[0] = 0x464c457f; // \x7fELF
  words[1] = 0x00010102; // 64 bits, little-endian, version 1
  words[4] = 2 | (ELF_MACHINE[architecture] << 16); // ET_EXEC: the addresses are fixed
  words[5] = 1; // version
  words[6] = ADDRESS.code + CODE_OFFSET; // entry
  words[8] = ELF_HEADER; // the program headers follow
  words[13] = ELF_HEADER | (PROGRAM_HEADER << 16);
  words[14] = PROGRAM_HEADERS | (64 << 16); // 64: size of a section header, of which there are none

  const page = PAGE_SIZE[architecture];
  const end = READ_ONLY_OFFSET;
  const readOnlySize = fileSize - READ_ONLY_OFFSET;
  // In ascending order of addresses, as elf(5) wants the loadable ones.
  writeProgramHeader(words, 0, PT_LOAD, PF_R | PF_X, 0, ADDRESS.code, end, end, page);
  writeProgramHeader(words, 1, PT_LOAD, PF_R | PF_W, 0, ADDRESS.slots, 0, SLOTS * 8 + multipleOf8(variableSize), page);
  const readOnlyAddress = ADDRESS.readOnly + READ_ONLY_OFFSET;
  writeProgramHeader(words, 2, PT_LOAD, PF_R, READ_ONLY_OFFSET, readOnlyAddress, readOnlySize, readOnlySize, page);
  // Without it the kernel makes the stack, and on some architectures all of the memory, executable.
  writeProgramHeader(words, 3, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16);
}

function writeProgramHeader(
  words: Uint32Array,
  index: number,
  type: number,
  flags: number,
  offset: number,
  address: number,
  fileSize: number,
  memorySize: number,
  align: number,
): void {
  const at = (ELF_HEADER + index * PROGRAM_HEADER) / 4;
  words[at] = type;
  words[at + 1] = flags;
  words[at + 2] = offset;
  words[at + 4] = address;
  words[at + 6] = address;
  words[at + 8] = fileSize;
  words[at + 10] = memorySize;
  words[at + 12] = align;
}

function writeCode(bytes: Buffer, hex: string): void {
  if (CODE_OFFSET + hex.length / 2 > READ_ONLY_OFFSET) defect(`${hex.length / 2} bytes of interpreter`);
  bytes.write(hex, CODE_OFFSET, 'hex');
}

/** `first`: index of the first row in `words`. */
function writeRows(
  plan: Plan,
  numbers: Readonly<Record<CallOperation['name'], number>>,
  words: Uint32Array,
  quads: BigInt64Array,
  first: number,
): void {
  let at = first;
  for (const operation of plan.operations) {
    writeRow(plan, operation, numbers, words, quads, at);
    at += ROW / 4;
  }
}

function writeRow(
  plan: Plan,
  operation: Operation,
  numbers: Readonly<Record<CallOperation['name'], number>>,
  words: Uint32Array,
  quads: BigInt64Array,
  at: number,
): void {
  switch (operation.kind) {
    case 'call':
      words[at + 1] = numbers[operation.name];
      words[at] = callWord(operation) | (writeArguments(operation, words, quads, at + 4) << 16);
      if (operation.on !== undefined) writeHandled(plan, operation, words, at + 2);
      return;
    case 'jump':
      words[at] = OPCODE.jump;
      words[at + 1] = rowOf(plan, operation.to);
      return;
    case 'branch':
      words[at] = OPCODE.branch | (checkedSlot(operation.slot) << 8) | (COMPARISON[operation.compare] << 16);
      words[at + 1] = rowOf(plan, operation.to);
      if (typeof operation.value === 'bigint') quads[(at + 4) / 2] = operation.value;
      else {
        words[at] = (words[at] ?? 0) | (1 << 24);
        words[at + 4] = checkedSlot(operation.value.slot);
      }
      return;
    case 'load':
      writeAccess(plan, operation, operation.from, words, quads, at);
      return;
    case 'store':
      if (operation.to.kind === 'data' && operation.to.segment === 'constant') {
        defect(`a store to the constant ${operation.to.text}`);
      }
      writeAccess(plan, operation, operation.to, words, quads, at);
      return;
    case 'add':
      words[at] =
        OPCODE.add | (checkedSlot(operation.slot) << 8) | (writeOperand(operation.operand, words, quads, at + 4) << 16);
      return;
    case 'fail':
      if (operation.errno < 1 || operation.errno > 4095) defect(`a failure with errno ${operation.errno}`);
      words[at] = OPCODE.fail;
      words[at + 1] = operation.errno;
      return;
    default:
      operation satisfies never;
  }
}

function writeAccess(
  plan: Plan,
  { kind, slot, width }: LoadOperation | StoreOperation,
  place: DataRef | Indirect,
  words: Uint32Array,
  quads: BigInt64Array,
  at: number,
): void {
  const indirect = place.kind === 'indirect';
  const opcode = kind === 'load' ? (indirect ? OPCODE.loadAt : OPCODE.load) : indirect ? OPCODE.storeAt : OPCODE.store;
  words[at] = opcode | (checkedSlot(slot) << 8) | (width << 16);
  words[at + 4] = indirect ? checkedSlot(place.base) : checkedAddress(plan, place, width);
  if (indirect) quads[at / 2 + 3] = BigInt(place.offset);
}

/** The first word of a call's row, but for the bits of the arguments. */
function callWord(call: CallOperation): number {
  const slot = call.result === undefined ? NO_SLOT : checkedSlot(call.result);
  return OPCODE.call | (slot << 8) | (call.ignoreErrors === true ? 1 << 24 : 0);
}

/** Writes the arguments to `words` from index `at`; returns which of them are slots, a bit each. */
function writeArguments(call: CallOperation, words: Uint32Array, quads: BigInt64Array, at: number): number {
  if (call.args.length > 6) defect(`${call.name} with ${call.args.length} arguments`);
  let slots = 0;
  let index = 0;
  for (const argument of call.args) {
    slots |= writeOperand(argument, words, quads, at + 2 * index) << index;
    index += 1;
  }
  return slots;
}

/** Writes an operand to `words` from index `at`; returns 1 for the number of a slot, else 0. */
function writeOperand(operand: Operand, words: Uint32Array, quads: BigInt64Array, at: number): number {
  if (operand.kind === 'immediate') quads[at / 2] = operand.value;
  else if (operand.kind === 'data') words[at] = dataAddress(operand);
  else {
    words[at] = checkedSlot(operand.slot);
    return 1;
  }
  return 0;
}

function writeHandled(plan: Plan, call: CallOperation, words: Uint32Array, at: number): void {
  const handled = call.on ?? [];
  if (handled.length > 2) defect(`${call.name} handles ${handled.length} errors`);
  let word = at;
  for (const { errno, to } of handled) {
    if (errno < 1 || errno > 4095 || errno === ERRNO.EINTR)
      defect(`${call.name} handles errno ${errno}, which never comes`);
    words[word] = errno | (rowOf(plan, to) << 16);
    word += 1;
  }
}

function rowOf(plan: Plan, label: Label): number {
  const row = plan.labels[label] ?? -1;
  if (row < 0 || row >= plan.operations.length) defect(`label ${label}, which stands for no operation`);
  return row;
}

function checkedSlot(slot: Slot): number {
  if (slot < 0 || slot >= SLOTS) defect(`slot ${slot}`);
  return slot;
}

function checkedAddress(plan: Plan, ref: DataRef, width: Width): number {
  const { length } = ref.segment === 'constant' ? plan.constant : plan.variable;
  if (ref.offset < 0 || ref.offset + width > length) defect(`${width} bytes at ${ref.text}, outside of the data`);
  return dataAddress(ref);
}

function sizeWithoutTrailingZeros(bytes: Uint8Array): number {
  let size = bytes.length;
  while (size > 0 && bytes[size - 1] === 0) size -= 1;
  return size;
}

function multipleOf8(size: number): number {
  return (size + 7) & ~7;
}

function defect(what: string): never {
  fail({ code: 'init', message: `a defect of runt's plan: it has ${what}` });
}
