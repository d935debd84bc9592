// The bytes of a plan as the interpreter reads them: one row an operation. This table is the contract between the
// encoder (../image.ts), the interpreters (x86-64.ts, arm64.ts; assembled in code.ts) and the tests' reference interpreter.
//
//   offset  size
//   0       1     opcode
//   1       1     slot: call: receives the result (NO_SLOT: none); the others: the operand
//   2       1     call: bit i set = argument i is the number of a slot, else it is the value itself
//                 branch: comparison; load, store, loadAt, storeAt: width in bytes (1, 2, 4, 8); add: as call, of bit 0
//   3       1     call: bit 0 = errors are ignored (the result slot receives -errno)
//                 branch: bit 0 = it is compared with the slot of that number
//   4       4     call: system call number; jump, branch: row to go to; fail: errno
//   8       2     call: first errno that is handled (0: none)
//   10      2     call: … and the row to go on with
//   12      2     call: second errno that is handled (0: none)
//   14      2     call: … and the row to go on with
//   16      48    call: six arguments, 64 bits each; branch: [0] = the value compared with; load, store: [0] = the address;
//                 loadAt, storeAt: [0] = number of the slot that has the address, [1] = what is added to it; add: [0] = the value
//
// All numbers are little-endian. A plan ends in execve or exit_group; the table is followed by a word of zeros, so that a
// plan which runs off its end meets an opcode that is none of these: the interpreter traps (SIGILL).
// When the machine starts, the last slot (STACK_SLOT) has the stack pointer: what is there is in the ABI's description of a new process.
// When a call returns an error (-4095..-1):
// - EINTR: the call is made again. Init has no signal handlers, so only a stop or a debugger can cause it (signal(7),
//   "Interruption of system calls … by stop signals"), and no plan should have to know about that.
// - The result slot, if any, receives -errno; so it does in all that follows.
// - A handled errno goes to its row; else with bit 0 of byte 3 the plan goes on with the next row.
// - Else the row's index and the errno are written to the failure record and the machine goes on at the failure handler's
//   row. If the record is in use already (a call of the failure handler has failed), it traps: it never loops.

import type { DataRef } from '../plan.ts';
import { SLOTS } from '../plan.ts';

export const ROW = 64;
export const MAX_ROWS = 0xffff;
export const NO_SLOT = 0xff;

export const OPCODE = {
  call: 1,
  jump: 2,
  branch: 3,
  load: 4,
  store: 5,
  fail: 6,
  loadAt: 7,
  storeAt: 8,
  add: 9,
} as const;
export const COMPARISON = { equal: 0, notEqual: 1, less: 2, greaterOrEqual: 3 } as const;

/**
 * Where the image is loaded. Each segment lies in pages of its own, also where pages are 64 KiB. All (but what a huge plan
 * has beyond 1.5 MiB) lie in the same 2 MiB, so that one page table serves them: a page table is memory of the container.
 */
export const ADDRESS = {
  /** The ELF header and the interpreter. Readable, executable. */
  code: 0x1000_0000,
  /** The slots (SLOTS × 8 bytes), then the variable data. Readable, writable, anonymous memory. */
  slots: 0x1001_0000,
  /** The parameters, the constant data, the rows, a word of zeros, the initial bytes of the variable data. Read-only. */
  readOnly: 0x1008_0000,
} as const;

/**
 * Where the read-only segment begins in the file, and so (an ELF segment's address and offset are congruent modulo the page
 * size) in its first page. What is before it is the ELF header and the interpreter.
 */
export const READ_ONLY_OFFSET = 0x380;

/**
 * What the interpreter's code must be told about the image: four 64-bit words at the start of the read-only segment. So the
 * code is the same in every image.
 */
export const PARAMETERS = {
  address: ADDRESS.readOnly + READ_ONLY_OFFSET,
  /** Offset: address of the first row. */
  rows: 0,
  /** Offset: address of the row of the failure handler. */
  failureHandler: 8,
  /** Offset: address of the initial bytes of the variable data. */
  initial: 16,
  /** Offset: how many there are: a multiple of 8, at least 16. What is behind them is zero. */
  initialSize: 24,
  size: 32,
} as const;

/** Addresses of the plan's data: DataRef.offset counts from here. Known while a plan is built. */
export const CONSTANT_ADDRESS = PARAMETERS.address + PARAMETERS.size;
export const VARIABLE_ADDRESS = ADDRESS.slots + SLOTS * 8;
/** The variable data must end before the read-only segment. */
export const MAX_VARIABLE_SIZE = ADDRESS.readOnly - VARIABLE_ADDRESS;

/** The address of a place in the plan's data when the image runs. */
export function dataAddress(ref: DataRef): number {
  return (ref.segment === 'constant' ? CONSTANT_ADDRESS : VARIABLE_ADDRESS) + ref.offset;
}

/** One instruction (or a label) of an interpreter. */
export interface Instruction {
  /** Little-endian machine code. */
  readonly bytes: readonly number[];
  /** As binutils' objdump prints it (Intel syntax on x86-64), white space folded. */
  readonly mnemonic: string;
  readonly comment?: string;
}

export interface Machine {
  readonly architecture: 'x86-64' | 'arm64';
  readonly instructions: () => readonly Instruction[];
}
