// Puts an instruction table together: the distances of its jumps are all that is computed.

import { fail } from '../../error.ts';
import type { Instruction } from './format.ts';

/** A place to jump to. */
export interface Mark {
  readonly mark: string;
}
/** A jump: its bytes depend on the distance from its own first byte to the mark. */
export interface Jump {
  readonly mnemonic: string;
  readonly to: string;
  readonly encode: (distance: number) => readonly number[];
  readonly comment?: string;
}
export type Line = Instruction | Mark | Jump;

export function mark(name: string): Mark {
  return { mark: name };
}

/**
 * The instructions of a table, jumps resolved. Jumps begin in their shortest form and grow until all reach their marks;
 * as distances only grow with them, this ends.
 */
export function assemble(lines: readonly Line[]): readonly Instruction[] {
  const sizes = lines.map((line) => ('mark' in line ? 0 : 'bytes' in line ? line.bytes.length : 0));
  for (;;) {
    const offsets = offsetsOf(sizes);
    const marks = new Map(lines.flatMap((line, index) => ('mark' in line ? [[line.mark, offsets[index] ?? 0]] : [])));
    const instructions = lines.flatMap((line, index): Instruction[] => {
      if ('mark' in line) return [];
      if ('bytes' in line) return [line];
      const target = marks.get(line.to) ?? fail({ code: 'init', message: `a jump to ${line.to}, which is nowhere` });
      const bytes = line.encode(target - (offsets[index] ?? 0));
      const mnemonic = `${line.mnemonic}0x${target.toString(16)}`;
      return [{ bytes, mnemonic, ...(line.comment === undefined ? {} : { comment: line.comment }) }];
    });
    const grown = sizesWith(lines, instructions);
    if (grown.every((size, index) => size === sizes[index])) return instructions;
    sizes.splice(0, sizes.length, ...grown);
  }
}

function offsetsOf(sizes: readonly number[]): number[] {
  let offset = 0;
  return sizes.map((size) => {
    const own = offset;
    offset += size;
    return own;
  });
}

function sizesWith(lines: readonly Line[], instructions: readonly Instruction[]): number[] {
  let next = 0;
  return lines.map((line) => ('mark' in line ? 0 : (instructions[next++]?.bytes.length ?? 0)));
}

/** A number as `size` little-endian bytes. */
export function littleEndian(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) & 0xff);
}
