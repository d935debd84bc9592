// A plan: what happens inside the container, as data. A flat list of operations (system calls, jumps, branches, loads,
// stores) and the data that they point to. Made by steps/, linked into an executable by image.ts, carried out by the
// interpreter in machine/, printed by explain.ts. Nothing here has an effect.

import type { SyscallName } from '../linux/syscall-numbers.ts';

/** A 64-bit variable of the machine. */
export type Slot = number & { readonly __kind: 'slot' };
/** A place in the list of operations; jumped to. */
export type Label = number & { readonly __kind: 'label' };
/** A place in the plan's data: where `size` bytes begin that a system call reads (constant) or writes (variable). */
export interface DataRef {
  readonly kind: 'data';
  readonly segment: 'constant' | 'variable';
  readonly offset: number;
  readonly size: number;
  /** How `runt plan` shows it: `"/proc"`, `{flags=…}`. */
  readonly text: string;
}
export interface SlotRef {
  readonly kind: 'slot';
  readonly slot: Slot;
}
export interface Immediate {
  readonly kind: 'immediate';
  /** As the 64-bit register will hold it; negative numbers are sign-extended. */
  readonly value: bigint;
  /** How `runt plan` shows it: `MS_REC|MS_SLAVE`. */
  readonly text: string;
}
export type Operand = Immediate | SlotRef | DataRef;
/** A place in memory that is known only when the plan runs: `offset` bytes from the address that the slot has. */
export interface Indirect {
  readonly kind: 'indirect';
  readonly base: Slot;
  readonly offset: number;
}

/** The errno values that a call may meet, and where to go on then. At most two; any other errno ends init. */
export interface OnErrno {
  readonly errno: number;
  readonly to: Label;
}

/** What a step is for. Many operations may belong to one step. */
export interface Step {
  /** What is being done, to what: "mount proc on /proc". */
  readonly sentence: string;
  /** JSON pointer of the config value that caused it; absent where runt itself does. */
  readonly pointer?: string;
  /** What to do when it fails. */
  readonly hint?: string;
  /** More to print below the sentence, and as data; made only when somebody asks. */
  readonly details?: () => StepDetails;
}

export interface StepDetails {
  readonly lines: readonly string[];
  readonly data: object;
}

export type Comparison = 'equal' | 'notEqual' | 'less' | 'greaterOrEqual';
export type Width = 1 | 2 | 4 | 8;

export interface CallOperation {
  readonly kind: 'call';
  readonly name: SyscallName;
  readonly args: readonly Operand[];
  readonly result?: Slot;
  /** Any error is stored (as -errno) in `result` and the plan goes on. */
  readonly ignoreErrors?: boolean;
  readonly on?: readonly OnErrno[];
  readonly step: Step;
}
export interface JumpOperation {
  readonly kind: 'jump';
  readonly to: Label;
  readonly step?: Step | undefined;
}
/** Signed comparison of a slot with a value, or with another slot. */
export interface BranchOperation {
  readonly kind: 'branch';
  readonly slot: Slot;
  readonly compare: Comparison;
  readonly value: bigint | SlotRef;
  readonly to: Label;
  readonly step?: Step | undefined;
}
/** slot = the zero-extended value of `width` bytes at the place. */
export interface LoadOperation {
  readonly kind: 'load';
  readonly slot: Slot;
  readonly from: DataRef | Indirect;
  readonly width: Width;
  readonly step?: Step | undefined;
}
/** The low `width` bytes of the slot go to the place (variable data). */
export interface StoreOperation {
  readonly kind: 'store';
  readonly slot: Slot;
  readonly to: DataRef | Indirect;
  readonly width: Width;
  readonly step?: Step | undefined;
}
/** slot = slot + operand, modulo 2^64. */
export interface AddOperation {
  readonly kind: 'add';
  readonly slot: Slot;
  readonly operand: Operand;
  readonly step?: Step | undefined;
}
/** Ends with this step's index and an errno of the plan's choosing, as if a call had failed. */
export interface FailOperation {
  readonly kind: 'fail';
  readonly errno: number;
  readonly step: Step;
}
export type Operation =
  | CallOperation
  | JumpOperation
  | BranchOperation
  | LoadOperation
  | StoreOperation
  | AddOperation
  | FailOperation;

/** A heading in the list of operations, for the reader: `launcher`, `init`, `start`. */
export interface Section {
  readonly title: string;
  /** Index of its first operation. */
  readonly at: number;
}

/** What the runtime does on the host, before init is started or while it waits, for the reader: `write "42" to /sys/fs/cgroup/pids/box/pids.max`. */
export type HostStep = Pick<Step, 'sentence' | 'pointer'>;

export interface Plan {
  readonly host?: readonly HostStep[];
  readonly operations: readonly Operation[];
  readonly sections?: readonly Section[];
  /** Index into `operations` by label. */
  readonly labels: readonly number[];
  /** Read-only data. */
  readonly constant: Uint8Array;
  /** Initial bytes of the writable data; its first 16 bytes are the failure record (see `failure`). */
  readonly variable: Uint8Array;
  /** Number of slots used. */
  readonly slots: number;
  /** Where a call that fails goes on: operations that report the failure record and exit. */
  readonly failureHandler: Label;
}

/** The machine has this many slots. */
export const SLOTS = 64;

/** The slot that has the stack pointer when the machine starts. */
export const STACK_SLOT = (SLOTS - 1) as Slot;

/**
 * Before it jumps to the failure handler the machine writes two 64-bit words at the start of the variable data:
 * the index of the operation that failed, and the errno (positive).
 */
export const FAILURE_RECORD = { offset: 0, size: 16 } as const;
