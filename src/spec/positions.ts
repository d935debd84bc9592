// From a JSON pointer to line and column. Loaded for reports only, like jsonc-parser.

import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { pointer, type Segment } from '../json-pointer.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Positions {
  /** Where the value begins; the last one, where its name occurs more than once. The nearest place around it, where there is none. */
  readonly value: (at: string) => Position;
  /** Where the name of a property begins; `occurrence` counts from 0. */
  readonly name: (at: string, occurrence?: number) => Position;
}

export interface SyntaxError {
  /** The parser's word for it. */
  readonly code: string;
  readonly position: Position;
  readonly message: string;
  /** The line that it is in. */
  readonly source: string;
}

/** The parser is recursive. Deeper documents get no positions; nothing that the specification knows is that deep. */
const DEEPEST = 500;
const START: Position = { line: 1, column: 1 };

const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a word that is none of true, false and null',
  InvalidNumberFormat: 'a number that is not written as JSON wants it',
  PropertyNameExpected: 'the name of a property, in double quotes, is expected',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a closing brace is expected',
  CloseBracketExpected: 'a closing bracket is expected',
  EndOfFileExpected: 'the document has ended, but more follows',
  InvalidCommentToken: 'JSON has no comments',
  UnexpectedEndOfComment: 'a comment that does not end',
  UnexpectedEndOfString: 'a string that does not end in its line',
  UnexpectedEndOfNumber: 'a number that does not end',
  InvalidUnicode: 'a \\u that four hexadecimal digits do not follow',
  InvalidEscapeCharacter: 'a backslash before a character that it does not go with',
  InvalidCharacter: 'a control character, which a string can only hold escaped',
};

function lineIndex(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** The greatest number of brackets open at once, strings aside. */
function depth(text: string): number {
  let open = 0;
  let most = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{' || token === '[') most = Math.max(most, ++open);
    else if (token === '}' || token === ']') open -= 1;
  }
  return most;
}

export function isTooDeep(text: string): boolean {
  return depth(text) > DEEPEST;
}

/** What is not JSON about a text, in the parser's order; empty where it finds nothing. */
export function syntaxErrors(text: string): SyntaxError[] {
  if (isTooDeep(text)) return [];
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const position = lineIndex(text);
  const lines = text.split('\n');
  return errors.map(({ error, offset }) => {
    const at = position(offset);
    const name = printParseErrorCode(error);
    return {
      code: name,
      position: at,
      message: WORDS[name] ?? name,
      source: (lines[at.line - 1] ?? '').replace(/\r$/, ''),
    };
  });
}

interface Place {
  readonly name: number | undefined;
  readonly value: number;
}

/** The places of all values of a text that is JSON. */
export function positionsOf(text: string): Positions {
  const places = new Map<string, Place[]>();
  const tree = isTooDeep(text) ? undefined : parseTree(text);
  if (tree !== undefined) collect(tree, [], undefined, places);
  const position = lineIndex(text);
  return {
    value: (at) => {
      for (let path = at; ; path = path.slice(0, path.lastIndexOf('/'))) {
        const place = places.get(path)?.at(-1);
        if (place !== undefined) return position(place.value);
        if (path === '') return START;
      }
    },
    name: (at, occurrence = 0) => {
      const place = places.get(at)?.at(occurrence);
      return place === undefined ? START : position(place.name ?? place.value);
    },
  };
}

function collect(node: Node, path: readonly Segment[], name: number | undefined, places: Map<string, Place[]>): void {
  const at = pointer(...path);
  const place = { name, value: node.offset };
  const earlier = places.get(at);
  if (earlier === undefined) places.set(at, [place]);
  else earlier.push(place);
  node.children?.forEach((part, index) => {
    if (node.type === 'array') collect(part, [...path, index], undefined, places);
    const [key, value] = part.children ?? [];
    if (part.type === 'property' && key !== undefined && value !== undefined)
      collect(value, [...path, String(key.value)], key.offset, places);
  });
}
