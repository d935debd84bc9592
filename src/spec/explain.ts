// The full report on a document: everything that is wrong with it, each thing once, with its place in the text. Loaded only
// where there is something to report, or where a report is asked for.

import type { Problem } from '../error.ts';
import { isWithin } from '../json-pointer.ts';
import type { Finding, Violation } from './findings.ts';
import { type Folded, foldNames } from './fold.ts';
import {
  validateConfig,
  validateFeatures,
  validateProcess,
  validateResources,
  validateState,
} from './generated/full.ts';
import type { Config, Process } from './generated/types.ts';
import { type Positions, positionsOf, syntaxErrors } from './positions.ts';
import { findingText, sourceLines } from './render.ts';
import { scan } from './scan.ts';
import type { DocumentKind } from './schema.ts';
import { brokenPlaces, schemaFindings, unknownFindings } from './schema-findings.ts';
import { type Platform, platformOf, violationsOf } from './semantics/index.ts';
import { processViolations } from './semantics/process.ts';
import { textViolations } from './semantics/text.ts';
import type { Validate } from './validator.ts';

const VALIDATORS: Readonly<Record<DocumentKind, Validate>> = {
  config: validateConfig,
  process: validateProcess,
  resources: validateResources,
  state: validateState,
  features: validateFeatures,
};

const MOST_SYNTAX_ERRORS = 20;

/** All findings on a text, in the order of the text. `platform`: whose rules hold; by default what the config itself says. */
export function explain(given: string, kind: DocumentKind, platform?: Platform): Finding[] {
  let document: unknown;
  try {
    document = JSON.parse(given);
  } catch (error) {
    return syntaxFindings(given, error);
  }
  const folded = foldNames(given, kind);
  document = folded?.document ?? document;
  const text = folded?.inPlace ?? given;
  const positions = positionsOf(text);
  const validate = VALIDATORS[kind];
  const errors = validate(document) ? [] : (validate.errors ?? []);
  const broken = schemaFindings(kind, document, errors);
  const scanned = scan(text);
  // Of a text that is folded there are none; what it has in two places was one name in two cases.
  const duplicates = folded === undefined ? scanned.duplicates : [];
  const rules =
    kind === 'config'
      ? ruleViolations(document, brokenPlaces(errors), platform)
      : kind === 'process' && errors.length === 0
        ? processViolations(document as Process)
        : [];
  const seen = new Map<string, number>();
  return [
    ...foldFindings(given, folded),
    ...broken.map((part) => ({ ...part, ...positions.value(part.pointer) })),
    ...unknownFindings(kind, document).map((part) => ({ ...part, ...positions.name(part.pointer) })),
    ...duplicates.map((at) => duplicateFinding(at, seen, positions)),
    ...[...textViolations(text, document, { ...scanned, duplicates: [] }), ...rules].map((part) => ({
      ...part,
      ...positions.value(part.pointer),
    })),
  ].sort((one, two) => one.line - two.line || one.column - two.column);
}

/** By the places of the names in the text as it was given. */
function foldFindings(given: string, folded: Folded | undefined): Finding[] {
  if (folded === undefined) return [];
  const positions = positionsOf(given);
  return folded.findings.map((finding) => ({ ...finding, ...positions.name(finding.pointer) }));
}

/** The rules, but for those that look at a value which does not fit the schema. */
function ruleViolations(document: unknown, broken: readonly string[], platform: Platform | undefined): Violation[] {
  if (document === null || typeof document !== 'object' || Array.isArray(document)) return [];
  const config = document as Config;
  return violationsOf(config, platform ?? platformOf(config), ({ reads }) =>
    broken.some((place) => reads.some((read) => isWithin(place, read) || isWithin(read, place))),
  );
}

function duplicateFinding(pointer: string, seen: Map<string, number>, positions: Positions): Finding {
  const occurrence = (seen.get(pointer) ?? 0) + 1;
  seen.set(pointer, occurrence);
  const { line } = positions.name(pointer);
  return {
    pointer,
    severity: 'error',
    message: `the property is there twice, see line ${line}`,
    spec: 'https://www.rfc-editor.org/rfc/rfc8259#section-4',
    ...positions.name(pointer, occurrence),
  };
}

function syntaxFindings(text: string, error: unknown): Finding[] {
  const common = { pointer: '', severity: 'error', spec: 'https://www.rfc-editor.org/rfc/rfc8259' } as const;
  if (text.startsWith('\uFEFF'))
    return [{ ...common, line: 1, column: 1, message: 'the text begins with a byte order mark, which JSON has not' }];
  const all = syntaxErrors(text);
  // A missing comma has no consequences; after anything else the parser only guesses what was meant.
  const first = all.findIndex(({ code }) => code !== 'CommaExpected');
  const found = (first === -1 ? all : all.slice(0, first + 1))
    .slice(0, MOST_SYNTAX_ERRORS)
    .map(({ position, message, source }) => ({ ...common, ...position, message: `not JSON: ${message}`, source }));
  // The two parsers may disagree about a subtlety; then the stricter one has the word.
  const reason = error instanceof Error ? error.message : String(error);
  return found.length > 0 ? found : [{ ...common, line: 1, column: 1, message: `not JSON: ${reason}` }];
}

/** The problem to throw for a config that can't be used on Linux, or for the process object of an exec; undefined where nothing is wrong with it. */
export function problemWith(text: string, kind: 'config' | 'process', file: string): Problem | undefined {
  return problemOf(explain(text, kind, 'linux'), file);
}

function problemOf(findings: readonly Finding[], file: string): Problem | undefined {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first === undefined) return undefined;
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
  return {
    code: 'config',
    message: `${findingText(first, file)}${more}`,
    details:
      errors.length === 1 && first.source === undefined
        ? []
        : errors.flatMap((finding) => [findingText(finding, file), ...sourceLines(finding)]),
  };
}
