// Conditions on arguments. A classic BPF program has 32-bit registers: a 64-bit number is two words here, and everywhere after.

import type { SeccompArg } from '../spec/generated/types.ts';

export type Comparison = 'NE' | 'LT' | 'LE' | 'EQ' | 'GE' | 'GT' | 'MASKED_EQ';

/** Argument & mask, compared with the value. Where the comparison is another than MASKED_EQ the mask has all bits. */
export interface Condition {
  readonly argument: number;
  readonly compare: Comparison;
  readonly high: number;
  readonly low: number;
  readonly maskHigh: number;
  readonly maskLow: number;
}

const ALL = 0xffffffff;
const WORD = 0x100000000;

/** `exact`: the number as it is written, for those that JSON.parse has rounded. */
export function conditionOf(
  argument: SeccompArg,
  exact: (name: 'value' | 'valueTwo') => bigint | undefined,
): Condition {
  const compare = argument.op.slice('SCMP_CMP_'.length) as Comparison;
  const [high, low] = wordsOf(argument.value, () => exact('value'));
  if (compare !== 'MASKED_EQ') {
    return { argument: argument.index, compare, high, low, maskHigh: ALL, maskLow: ALL };
  }
  const [wantedHigh, wantedLow] = wordsOf(argument.valueTwo ?? 0, () => exact('valueTwo'));
  // Bits of the value outside of the mask are not compared.
  return {
    argument: argument.index,
    compare,
    high: (wantedHigh & high) >>> 0,
    low: (wantedLow & low) >>> 0,
    maskHigh: high,
    maskLow: low,
  };
}

function wordsOf(value: number, exact: () => bigint | undefined): [number, number] {
  if (Number.isSafeInteger(value)) return [Math.floor(value / WORD), value >>> 0];
  const whole = exact() ?? BigInt(value);
  return [Number((whole >> 32n) & 0xffffffffn), Number(whole & 0xffffffffn)];
}

/** False: it holds for every argument, since nothing of it is compared. */
export function saysAnything(condition: Condition, words: 32 | 64): boolean {
  return condition.maskLow !== 0 || (words === 64 && condition.maskHigh !== 0);
}

const SIGNS: Readonly<Record<Exclude<Comparison, 'MASKED_EQ'>, string>> = {
  NE: '!=',
  LT: '<',
  LE: '<=',
  EQ: '==',
  GE: '>=',
  GT: '>',
};

/** `arg0 == 5`, `arg1 & 0xf == 0x3`. */
export function conditionText({ argument, compare, high, low, maskHigh, maskLow }: Condition): string {
  if (compare === 'MASKED_EQ') return `arg${argument} & ${hex(maskHigh, maskLow)} == ${hex(high, low)}`;
  const value = high === 0 && low < 1000 ? String(low) : hex(high, low);
  return `arg${argument} ${SIGNS[compare]} ${value}`;
}

function hex(high: number, low: number): string {
  const digits = low.toString(16);
  return high === 0 ? `0x${digits}` : `0x${high.toString(16)}${digits.padStart(8, '0')}`;
}
