// What a validator complains of, in words.

import { pointer, valueAt } from '../json-pointer.ts';
import { nearest } from '../nearest.ts';
import { type Finding, show } from './findings.ts';
import { type DocumentKind, knownNames, specAt, unknownProperties } from './schema.ts';
import type { SchemaError } from './validator.ts';

/** A finding that has no position yet. */
export type Unplaced = Omit<Finding, 'line' | 'column'>;

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'an integer',
  array: 'an array',
  object: 'an object',
  null: 'null',
};
/** So many words of a list are shown. */
const MOST_WORDS = 10;

/** One finding a value and fault: a value of the wrong type is reported as that, whatever else it breaks for it. */
export function schemaFindings(kind: DocumentKind, document: unknown, errors: readonly SchemaError[]): Unplaced[] {
  const mistyped = new Set(errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath));
  const findings = new Map<string, Unplaced>();
  for (const error of errors) {
    if (error.keyword !== 'type' && mistyped.has(error.instancePath)) continue;
    const value = valueAt(document, error.instancePath);
    const words = withSubject(brokenPlaces([error])[0], inWords(error, value, kind));
    const finding = { ...words, pointer: error.instancePath, severity: 'error' } as const;
    const spec = specAt(
      kind,
      error.keyword === 'required'
        ? `${error.instancePath}/${String(error.params['missingProperty'])}`
        : error.instancePath,
    );
    findings.set(`${error.instancePath} ${finding.message}`, { ...finding, ...(spec === undefined ? {} : { spec }) });
  }
  return [...findings.values()];
}

/** The pointers to what does not fit, a missing property's own included. */
export function brokenPlaces(errors: readonly SchemaError[]): string[] {
  return errors.map(({ instancePath, keyword, params }) =>
    keyword === 'required' ? `${instancePath}${pointer(String(params['missingProperty']))}` : instancePath,
  );
}

/** What is at a pointer, where callers of runc look for its words; numbers of entries are left out. */
const SUBJECTS: Readonly<Record<string, string>> = {
  '/linux/memoryPolicy/mode': 'invalid memory policy mode',
  '/linux/memoryPolicy/flags': 'invalid memory policy flag',
};

function withSubject(place: string | undefined, words: Words): Words {
  const subject = SUBJECTS[place?.replace(/\/\d+$/, '') ?? ''];
  return subject === undefined ? words : { ...words, message: `${subject}: ${words.message}` };
}

type Words = Pick<Finding, 'message' | 'expected' | 'found' | 'suggestion' | 'hint'>;

function inWords({ keyword, params, message, instancePath }: SchemaError, value: unknown, kind: DocumentKind): Words {
  switch (keyword) {
    case 'required': {
      const name = String(params['missingProperty']);
      return {
        message: `the property "${name}" is missing`,
        expected: name,
        ...misspelled(name, value, knownNames(kind, instancePath)),
      };
    }
    case 'enum':
      return choice(Array.isArray(params['allowedValues']) ? params['allowedValues'].map(String) : [], value);
    case 'type':
      return expectation(
        typeWords(params['type']),
        value,
        value === null ? 'leave the property out if there is nothing to say' : undefined,
      );
    case 'minimum':
      return expectation(`at least ${String(params['limit'])}`, value);
    case 'maximum':
      return expectation(`at most ${String(params['limit'])}`, value);
    case 'minItems':
      return {
        message: `expected at least ${String(params['limit'])} entry; found none`,
        expected: `at least ${String(params['limit'])} entry`,
        found: '0',
      };
    case 'pattern':
      return expectation(`text that matches ${String(params['pattern'])}`, value);
    default:
      return { message: message ?? keyword, found: show(value) };
  }
}

function expectation(expected: string, value: unknown, hint?: string): Words {
  const found = show(value);
  return { message: `expected ${expected}; found ${found}`, expected, found, ...(hint === undefined ? {} : { hint }) };
}

function typeWords(type: unknown): string {
  const types = Array.isArray(type) ? type.map(String) : String(type).split(',');
  return types.map((word) => TYPES[word] ?? word).join(' or ');
}

function choice(words: readonly string[], value: unknown): Words {
  const guess = typeof value === 'string' ? nearest(value, words) : undefined;
  // The guess is among the shown ones only by chance; it is said apart.
  const shown = words
    .slice(0, MOST_WORDS)
    .map((word) => `"${word}"`)
    .join(', ');
  const expected = `one of ${shown}${words.length > MOST_WORDS ? ', …' : ''}`;
  return { ...expectation(expected, value), ...(guess === undefined ? {} : { suggestion: guess }) };
}

/** A missing property may be there under a name that nobody knows. */
function misspelled(name: string, object: unknown, known: readonly string[]): Pick<Finding, 'hint'> {
  if (object === null || typeof object !== 'object') return {};
  const strangers = Object.keys(object).filter((candidate) => !known.includes(candidate));
  const stranger = nearest(name, strangers);
  return stranger === undefined ? {} : { hint: `is it the property "${stranger}"?` };
}

/** Warnings only: the specification wants unknown properties ignored ("Extensibility"). */
export function unknownFindings(kind: DocumentKind, document: unknown): Unplaced[] {
  return unknownProperties(kind, document).map(({ pointer: at, name, known }) => {
    const guess = nearest(name, known);
    return {
      pointer: at,
      severity: 'warning',
      message: 'the property is unknown and ignored',
      found: name,
      spec: 'https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#extensibility',
      ...(guess === undefined ? {} : { suggestion: guess }),
    };
  });
}
