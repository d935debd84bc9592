// For tests only: the machine once more, in TypeScript, straight from the meaning of a plan (../plan.ts), with a kernel that
// knows a handful of calls without side effects, or one that a test makes up.

import type { SyscallName } from '../../linux/syscall-numbers.ts';
import type { BranchOperation, CallOperation, DataRef, Indirect, Operand, Operation, Plan } from '../plan.ts';
import { CONSTANT_ADDRESS, dataAddress, VARIABLE_ADDRESS } from './format.ts';

const [EBADF, EINVAL, ESPIPE] = [9, 22, 29];

/** Slots and variable data, and what the modelled kernel remembers. */
export interface World {
  readonly slots: BigUint64Array;
  readonly variable: Buffer;
  umask: bigint;
  position: bigint;
}

/** The only open file of the modelled kernel, and its content. */
export interface File {
  readonly fd: bigint;
  readonly content: Uint8Array;
}

/** What a call returns (-errno for an error). An operand that is an address is 0 among the values. */
export type Kernel = (
  call: CallOperation,
  values: readonly bigint[],
  world: World,
  /** Index of the operation. */
  at: number,
) => bigint;

/** Carries out operations from the first up to, not including, `end` (a failure also ends there). */
export function interpret(plan: Plan, end: number, file: File, world: World): void {
  interpretWith(plan, end, ({ name, args }, values) => modelledCall(name, values, args, file, world), world);
}

/** As `interpret`, with a kernel of the caller's; exit_group and an execve that succeeds end it too. */
export function interpretWith(plan: Plan, end: number, kernel: Kernel, world: World): void {
  let at = 0;
  while (at < end) {
    const operation = plan.operations[at];
    if (operation === undefined) throw new RangeError(`operation ${at}`);
    at = carryOut(plan, operation, at, end, kernel, world);
  }
}

function carryOut(plan: Plan, operation: Operation, at: number, end: number, kernel: Kernel, world: World): number {
  const row = (label: number): number => plan.labels[label] ?? Number.NaN;
  const failed = (errno: number): number => {
    world.variable.writeBigUInt64LE(BigInt(at), 0);
    world.variable.writeBigUInt64LE(BigInt(errno), 8);
    return end;
  };
  switch (operation.kind) {
    case 'call': {
      const values = operation.args.map((arg) => operandValue(arg, world));
      const result = kernel(operation, values, world, at);
      if (operation.result !== undefined) world.slots[operation.result] = result;
      if (result >= 0n) return ['exit_group', 'execve'].includes(operation.name) ? end : at + 1;
      const errno = Number(-result);
      const handled = operation.on?.find((handler) => handler.errno === errno);
      if (handled !== undefined) return row(handled.to);
      return operation.ignoreErrors === true ? at + 1 : failed(errno);
    }
    case 'jump':
      return row(operation.to);
    case 'branch':
      return holds(operation, BigInt.asIntN(64, world.slots[operation.slot] ?? 0n), world) ? row(operation.to) : at + 1;
    case 'load': {
      const { bytes, offset } = placeOf(plan, operation.from, world);
      let value = 0n;
      for (let index = operation.width - 1; index >= 0; index -= 1) {
        value = (value << 8n) | BigInt(bytes[offset + index] ?? Number.NaN);
      }
      world.slots[operation.slot] = value;
      return at + 1;
    }
    case 'store': {
      const { bytes, offset } = placeOf(plan, operation.to, world);
      let value = world.slots[operation.slot] ?? 0n;
      for (let index = 0; index < operation.width; index += 1) {
        bytes[offset + index] = Number(value & 0xffn);
        value >>= 8n;
      }
      return at + 1;
    }
    case 'add': {
      const { operand } = operation;
      const value = operand.kind === 'data' ? BigInt(dataAddress(operand)) : operandValue(operand, world);
      world.slots[operation.slot] = BigInt.asUintN(64, (world.slots[operation.slot] ?? 0n) + value);
      return at + 1;
    }
    case 'fail':
      return failed(operation.errno);
  }
}

/** The bytes that a place is in, and where in them. */
function placeOf(plan: Plan, place: DataRef | Indirect, world: World): { bytes: Uint8Array; offset: number } {
  if (place.kind === 'data') {
    return { bytes: place.segment === 'constant' ? plan.constant : world.variable, offset: place.offset };
  }
  const address = Number(world.slots[place.base] ?? 0n) + place.offset;
  return address >= CONSTANT_ADDRESS
    ? { bytes: plan.constant, offset: address - CONSTANT_ADDRESS }
    : { bytes: world.variable, offset: address - VARIABLE_ADDRESS };
}

function operandValue(operand: Operand, world: World): bigint {
  if (operand.kind === 'immediate') return BigInt.asIntN(64, operand.value);
  if (operand.kind === 'slot') return BigInt.asIntN(64, world.slots[operand.slot] ?? 0n);
  return 0n; // an address: no modelled call looks at its value
}

function holds({ compare, value }: BranchOperation, slot: bigint, world: World): boolean {
  const other = typeof value === 'bigint' ? value : operandValue(value, world);
  if (compare === 'equal') return slot === other;
  if (compare === 'notEqual') return slot !== other;
  return compare === 'less' ? slot < other : slot >= other;
}

/** umask(2), lseek(2), fcntl(2) of a bad descriptor, pread64(2). */
function modelledCall(
  name: SyscallName,
  [first = 0n, second = 0n, third = 0n, fourth = 0n]: readonly bigint[],
  operands: readonly Operand[],
  file: File,
  world: World,
): bigint {
  if (name === 'umask') {
    const before = world.umask;
    world.umask = first & 0o777n;
    return before;
  }
  const fd = BigInt.asUintN(32, first); // an unsigned int to the kernel
  if (fd <= 2n) return BigInt(-ESPIPE); // pipes
  if (fd !== file.fd) return BigInt(-EBADF);
  if (name === 'lseek') {
    const position = third === 0n ? second : BigInt.asIntN(64, world.position + second);
    if (position < 0n) return BigInt(-EINVAL);
    world.position = position;
    return position;
  }
  if (name === 'pread64') {
    const content = file.content.subarray(Number(fourth), Number(fourth + third));
    const into = operands[1];
    if (into?.kind === 'data') world.variable.set(content, into.offset);
    return BigInt(content.length);
  }
  throw new RangeError(`${name} is not modelled`);
}
