// Integers as they are written: a parsed document holds doubles, which are exact up to 2^53 only.

import { valueAt } from '../json-pointer.ts';
import { type Scan, scan } from './scan.ts';

/** What tells the integer at a JSON pointer of the document; undefined where there is none. */
export function integersOf(text: string, document: unknown): (pointer: string) => bigint | undefined {
  return integersOfScan(scan(text), document);
}

export function integersOfScan({ longNumbers }: Scan, document: unknown): (pointer: string) => bigint | undefined {
  return (pointer) => {
    const literal = longNumbers.get(pointer);
    if (literal !== undefined && /^-?\d+$/.test(literal)) return BigInt(literal);
    const value = valueAt(document, pointer);
    return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
  };
}
