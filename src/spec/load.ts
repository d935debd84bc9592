// From a bundle to a config that fits the specification. The way of a valid config is short: one parse, the validator that
// ajv compiled ahead of time, the rules. All that is needed to explain an invalid one is loaded only then.

import { fail } from '../error.ts';
import { type Violation, violationText } from './findings.ts';
import { knownProperties, validateConfig } from './generated/config-lean.ts';
import type { Config } from './generated/types.ts';
import { integersOfScan } from './integers.ts';
import { parseFolding } from './parse-folding.ts';
import { parseJson, readDocument } from './read.ts';
import { countProperties } from './scan.ts';
import { violationsOf } from './semantics/index.ts';
import { scanIfNeeded, textViolations } from './semantics/text.ts';

export interface LoadedConfig {
  /** Where it was read from, as the caller named it. */
  readonly file: string;
  /** What was read, to the byte; where names were in another case (fold.ts), the same with those of the specification. */
  readonly text: string;
  readonly config: Config;
  /** What the rules warn of; the specification wants some of it logged ("runtime.md", "Warnings"). */
  readonly warnings: readonly Violation[];
  /**
   * The integer at a JSON pointer as it is written: `config` holds doubles, which are exact up to 2^53 only.
   * undefined where there is no integer.
   */
  readonly exactInteger: (pointer: string) => bigint | undefined;
  /** It has no property that the schema does not know. */
  readonly isAllKnown: boolean;
}

/**
 * Reads `config.json` of a bundle. Throws a RuntError of code `config` with all findings, their lines and columns in
 * `details`. It is asynchronous for that report, and for names in another case: a valid config is loaded in one turn.
 */
export async function loadConfig(bundle: string): Promise<LoadedConfig> {
  const file = `${bundle.replace(/\/+$/, '')}/config.json`;
  return await loadText(readDocument(file), file);
}

/** The same for its text. */
export async function loadText(text: string, file: string): Promise<LoadedConfig> {
  return await parseFolding(text, { kind: 'config', file, parse: parseConfig });
}

/** The synchronous part: throws a RuntError of code `config` that tells a rule that is broken, or only that the schema is. */
export function parseConfig(text: string, file: string): LoadedConfig {
  const document = parseJson(text, file);
  // It says yes or no only: what is wrong is the full report's to tell.
  if (!validateConfig(document))
    fail({ code: 'config', message: `${file}: the config does not fit the specification` });
  const config = document as Config;
  const count = countProperties(document);
  const scanned = scanIfNeeded(text, count);
  const violations = [...textViolations(text, document, scanned), ...violationsOf(config, 'linux')];
  const first = violations.find(({ severity }) => severity === 'error');
  if (first !== undefined)
    fail({ code: 'config', message: `${file}: ${violationText(first)}`, pointer: first.pointer });
  return {
    file,
    text,
    config,
    warnings: violations,
    exactInteger: integersOfScan(scanned, config),
    isAllKnown: count === knownProperties(),
  };
}
