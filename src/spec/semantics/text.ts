// Rules on the text of a document: what JSON.parse loses or lets pass.

import { pointer, type Segment } from '../../json-pointer.ts';
import { specLink, type Violation } from '../findings.ts';
import { mayHaveDuplicates, mayHaveLongNumbers, type Scan, scan } from '../scan.ts';

const JSON_RULE = 'https://www.rfc-editor.org/rfc/rfc8259#section-4';
const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MIN = -(2n ** 63n);
const EMPTY: Scan = { longNumbers: new Map(), duplicates: [] };

/** The scan of a text that needs one, and an empty scan of one that does not. `count`: how many properties it has, parsed. */
export function scanIfNeeded(text: string, count: number): Scan {
  return mayHaveLongNumbers(text) || mayHaveDuplicates(text, count) ? scan(text) : EMPTY;
}

export function textViolations(text: string, document: unknown, { duplicates, longNumbers }: Scan): Violation[] {
  return [
    ...duplicates.map(
      (at): Violation => ({ pointer: at, severity: 'error', message: 'the property is there twice', spec: JSON_RULE }),
    ),
    ...[...longNumbers].flatMap(([at, literal]) => numberViolation(at, literal)),
    // Neither can be in a text without an escape: JSON has no raw NUL, and UTF-8 no half of a surrogate pair.
    ...(/\\u(?:0000|[dD][89a-fA-F])/.test(text) ? stringViolations(document) : []),
  ];
}

/** Integers that a double can't hold must be written so that they can be read exactly, and fit 64 bits. */
function numberViolation(at: string, literal: string): Violation[] {
  const spec = specLink('config.md');
  if (Number.isSafeInteger(Number(literal)) || !Number.isInteger(Number(literal))) return [];
  if (!/^-?\d+$/.test(literal))
    return [
      {
        pointer: at,
        severity: 'error',
        message: `${literal} can't be read exactly`,
        hint: 'write the integer without point and exponent',
        spec,
      },
    ];
  const value = BigInt(literal);
  if (value >= INT64_MIN && value <= UINT64_MAX) return [];
  return [{ pointer: at, severity: 'error', message: `${literal} does not fit 64 bits`, spec }];
}

/** Strings that the kernel would get other than they are written: it ends a string at NUL, and bytes are UTF-8. */
function stringViolations(document: unknown): Violation[] {
  const violations: Violation[] = [];
  const check = (value: string, at: string, what: string): void => {
    const spec = specLink('config.md');
    if (value.includes('\0'))
      violations.push({ pointer: at, severity: 'error', message: `${what} contains a NUL character`, spec });
    if (/\p{Surrogate}/u.test(value))
      violations.push({
        pointer: at,
        severity: 'error',
        message: `${what} contains half of a surrogate pair, which has no UTF-8 form`,
        spec,
      });
  };
  const rest: { readonly value: unknown; readonly path: readonly Segment[] }[] = [{ value: document, path: [] }];
  while (rest.length > 0) {
    const next = rest.pop();
    if (next === undefined) break;
    const { value, path } = next;
    if (typeof value === 'string') check(value, pointer(...path), 'the text');
    if (value === null || typeof value !== 'object') continue;
    for (const [name, child] of Object.entries(value).reverse()) {
      if (!Array.isArray(value)) check(name, pointer(...path, name), 'the name of the property');
      rest.push({ value: child, path: [...path, name] });
    }
  }
  return violations;
}
