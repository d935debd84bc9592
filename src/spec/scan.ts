// A walk over the text of a JSON document for what JSON.parse does not tell: integers that a double can't hold, and
// names that occur twice in an object. Synchronous and small, since it is part of loading a config.

import { pointer, type Segment } from '../json-pointer.ts';

export interface Scan {
  /** Number literals of 16 characters or more, by pointer. */
  readonly longNumbers: ReadonlyMap<string, string>;
  /** Pointers of properties that their object already has, in the order of the text. */
  readonly duplicates: readonly string[];
}

interface Container {
  /** Names seen so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** The property or index that the next value belongs to. */
  at: Segment;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[{}[\],:]|true|false|null/g;
const LONG = 16;

/** Is told the pointer of each property, the token that is its name, and where that begins. */
type OnName = (pointer: string, token: string, at: number) => void;

/** `text` must be JSON: it is not checked again. Iterative, so that no depth of nesting can exhaust the stack. */
export function scan(text: string, onName?: OnName): Scan {
  const longNumbers = new Map<string, string>();
  const duplicates: string[] = [];
  const stack: Container[] = [];
  const here = (): string => pointer(...stack.map((container) => container.at));
  let expectName = false;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const top = stack.at(-1);
    switch (token.charAt(0)) {
      case '{':
        stack.push({ names: new Set(), at: '' });
        expectName = true;
        break;
      case '[':
        stack.push({ names: undefined, at: 0 });
        expectName = false;
        break;
      case '}':
      case ']':
        stack.pop();
        expectName = false;
        break;
      case ',':
        if (top?.names === undefined) {
          if (top !== undefined && typeof top.at === 'number') top.at += 1;
        } else expectName = true;
        break;
      case '"':
        if (!expectName || top?.names === undefined) break;
        top.at = String(JSON.parse(token));
        if (top.names.has(top.at)) duplicates.push(here());
        onName?.(here(), token, index);
        top.names.add(top.at);
        expectName = false;
        break;
      default:
        if (token.length >= LONG) longNumbers.set(here(), token);
    }
  }
  return { longNumbers, duplicates };
}

/** The number of properties in a parsed document. */
export function countProperties(document: unknown): number {
  let count = 0;
  const rest: unknown[] = [document];
  while (rest.length > 0) {
    const value = rest.pop();
    if (value === null || typeof value !== 'object') continue;
    const children = Object.values(value);
    if (!Array.isArray(value)) count += children.length;
    for (const child of children) if (child !== null && typeof child === 'object') rest.push(child);
  }
  return count;
}

/**
 * Whether the text may contain a name twice; `count` is that of the parsed document's properties. A property ends its name with
 * a quote and a colon, so (escaped quotes aside, which end no name unless the backslash itself is escaped) there are at least as
 * many of those in the text as properties; if there are no more than the parsed document has, none was lost.
 */
export function mayHaveDuplicates(text: string, count: number): boolean {
  return /\\\\"\s*:/.test(text) || (text.match(/[^\\]"\s*:/g)?.length ?? 0) !== count;
}

/** Whether the text may contain a number that a double can't hold. */
export function mayHaveLongNumbers(text: string): boolean {
  return /[:[,\s]-?\d[\d.eE+-]{15}/.test(text);
}
