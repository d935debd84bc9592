// For tests only: an image read back into what the encoder was given.

import type { Architecture, SyscallName } from '../../linux/syscall-numbers.ts';
import { SYSCALL_NUMBERS } from '../../linux/syscall-numbers.ts';
import { SLOTS } from '../plan.ts';
import { COMPARISON, NO_SLOT, OPCODE, PARAMETERS, ROW } from './format.ts';

/** A row of an image in the terms of a plan; labels are rows, references are addresses. */
export type DecodedRow =
  | {
      readonly kind: 'call';
      readonly name: SyscallName | undefined;
      readonly args: readonly (bigint | { readonly slot: number })[];
      readonly result: number | undefined;
      readonly ignoreErrors: boolean;
      readonly on: readonly { readonly errno: number; readonly to: number }[];
    }
  | { readonly kind: 'jump'; readonly to: number }
  | {
      readonly kind: 'branch';
      readonly slot: number;
      readonly compare: string;
      readonly value: bigint | { readonly slot: number };
      readonly to: number;
    }
  | { readonly kind: 'load' | 'store'; readonly slot: number; readonly width: number; readonly address: number }
  | {
      readonly kind: 'loadAt' | 'storeAt';
      readonly slot: number;
      readonly width: number;
      readonly base: number;
      readonly offset: bigint;
    }
  | { readonly kind: 'add'; readonly slot: number; readonly operand: bigint | { readonly slot: number } }
  | { readonly kind: 'fail'; readonly errno: number };

export interface DecodedImage {
  readonly rows: readonly DecodedRow[];
  readonly constant: Uint8Array;
  readonly initial: Uint8Array;
  readonly variableSize: number;
  readonly failureHandler: number;
}

/** An image read back by way of its program headers and parameters. */
export function decodeImage(image: Uint8Array, architecture: Architecture): DecodedImage {
  const file = Buffer.from(image);
  const segments = Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = Number(file.readBigUInt64LE(32)) + index * file.readUInt16LE(54);
    const [offset, address, , fileSize, memorySize] = [8, 16, 24, 32, 40].map((field) =>
      Number(file.readBigUInt64LE(at + field)),
    );
    return { offset, address, fileSize, memorySize };
  });
  const offsetOf = (address: number): number => {
    for (const { offset = 0, address: start = 0, fileSize = 0 } of segments) {
      if (address >= start && address <= start + fileSize && fileSize > 0) return address - start + offset;
    }
    throw new RangeError(`address ${address} is not in the file`);
  };
  const parameters = offsetOf(PARAMETERS.address);
  const parameter = (offset: number): number => Number(file.readBigUInt64LE(parameters + offset));
  const rowsAt = offsetOf(parameter(PARAMETERS.rows));
  const initialAt = offsetOf(parameter(PARAMETERS.initial));
  const rows: DecodedRow[] = [];
  for (let at = rowsAt; at + ROW <= initialAt; at += ROW)
    rows.push(decodeRow(file.subarray(at, at + ROW), architecture));
  return {
    rows,
    constant: image.slice(parameters + PARAMETERS.size, rowsAt),
    initial: image.slice(initialAt, initialAt + parameter(PARAMETERS.initialSize)),
    variableSize: (segments[1]?.memorySize ?? 0) - SLOTS * 8,
    failureHandler: (parameter(PARAMETERS.failureHandler) - parameter(PARAMETERS.rows)) / ROW,
  };
}

function decodeRow(row: Buffer, architecture: Architecture): DecodedRow {
  const [opcode = 0, slot = 0, detail = 0, ignore = 0] = row;
  const [word, value] = [row.readUInt32LE(4), row.readBigInt64LE(16)];
  switch (opcode) {
    case OPCODE.call: {
      const names = Object.entries(SYSCALL_NUMBERS[architecture]) as [SyscallName, number][];
      return {
        kind: 'call',
        name: names.find(([, number]) => number === word)?.[0],
        args: [0, 1, 2, 3, 4, 5].map((index) => {
          const given = row.readBigInt64LE(16 + 8 * index);
          return (detail & (1 << index)) === 0 ? given : { slot: Number(given) };
        }),
        result: slot === NO_SLOT ? undefined : slot,
        ignoreErrors: ignore === 1,
        on: [8, 12]
          .map((at) => ({ errno: row.readUInt16LE(at), to: row.readUInt16LE(at + 2) }))
          .filter(({ errno }) => errno !== 0),
      };
    }
    case OPCODE.jump:
      return { kind: 'jump', to: word };
    case OPCODE.branch: {
      const compare = Object.entries(COMPARISON).find(([, code]) => code === detail)?.[0] ?? '';
      return { kind: 'branch', slot, compare, value: ignore === 1 ? { slot: Number(value) } : value, to: word };
    }
    case OPCODE.load:
    case OPCODE.store:
      return { kind: opcode === OPCODE.load ? 'load' : 'store', slot, width: detail, address: Number(value) };
    case OPCODE.loadAt:
    case OPCODE.storeAt: {
      const kind = opcode === OPCODE.loadAt ? 'loadAt' : 'storeAt';
      return { kind, slot, width: detail, base: Number(value), offset: row.readBigInt64LE(24) };
    }
    case OPCODE.add:
      return { kind: 'add', slot, operand: detail === 1 ? { slot: Number(value) } : value };
    case OPCODE.fail:
      return { kind: 'fail', errno: word };
    default:
      throw new RangeError(`opcode ${opcode}`);
  }
}
