// From a bundle to a config that fits the specification. The way of a valid config is short: one parse, the validator that
// ajv compiled ahead of time, the rules. All that is needed to explain an invalid one is loaded only then.

import { fail, RuntError } from '../error.ts';
import { show, type Violation, violationText } from './findings.ts';
import { validateConfig } from './generated/config-lean.ts';
import type { Config } from './generated/types.ts';
import { valueAt } from './pointer.ts';
import { readDocument } from './read.ts';
import { violationsOf } from './semantics/index.ts';
import { scanIfNeeded, textViolations } from './semantics/text.ts';
import type { SchemaError } from './validator.ts';

export interface LoadedConfig {
  /** Where it was read from, as the caller named it. */
  readonly file: string;
  /** What was read, to the byte. */
  readonly text: string;
  readonly config: Config;
  /** What the rules warn of; the specification wants some of it logged ("runtime.md", "Warnings"). */
  readonly warnings: readonly Violation[];
  /**
   * The integer at a JSON pointer as it is written: `config` holds doubles, which are exact up to 2^53 only.
   * undefined where there is no integer.
   */
  readonly exactInteger: (pointer: string) => bigint | undefined;
}

/**
 * Reads `config.json` of a bundle. Throws a RuntError of code `config` with all findings, their lines and columns in
 * `details`. It is asynchronous for that report alone: a valid config is loaded in one turn.
 */
export async function loadConfig(bundle: string): Promise<LoadedConfig> {
  const file = `${bundle.replace(/\/+$/, '')}/config.json`;
  const text = readDocument(file);
  try {
    return parseConfig(text, file);
  } catch (error) {
    if (!(error instanceof RuntError)) throw error;
    const { configProblem } = await import('./explain.ts');
    throw new RuntError(configProblem(text, file) ?? error.problem, error);
  }
}

/** The synchronous part: throws a RuntError of code `config` that tells the first thing wrong, without its line. */
export function parseConfig(text: string, file: string): LoadedConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    fail(
      { code: 'config', message: `${file} is not JSON: ${error instanceof Error ? error.message : String(error)}` },
      error,
    );
  }
  if (!validateConfig(document)) {
    const error = validateConfig.errors?.[0];
    fail({
      code: 'config',
      message: `${file}: ${brief(error, document)}`,
      ...(error === undefined ? {} : { pointer: error.instancePath }),
    });
  }
  const config = document as Config;
  const scanned = scanIfNeeded(text, document);
  const violations = [...textViolations(text, document, scanned), ...violationsOf(config, 'linux')];
  const first = violations.find(({ severity }) => severity === 'error');
  if (first !== undefined)
    fail({ code: 'config', message: `${file}: ${violationText(first)}`, pointer: first.pointer });
  return {
    file,
    text,
    config,
    warnings: violations,
    exactInteger: (pointer) => {
      const literal = scanned.longNumbers.get(pointer);
      if (literal !== undefined && /^-?\d+$/.test(literal)) return BigInt(literal);
      const value = valueAt(config, pointer);
      return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
    },
  };
}

/** Without the words of the full report, which are not loaded here. */
function brief(error: SchemaError | undefined, document: unknown): string {
  if (error === undefined) return 'the config does not fit the specification';
  const { instancePath, keyword, params } = error;
  const place = instancePath === '' ? 'the config' : instancePath;
  if (keyword === 'required') return `${place} lacks "${String(params['missingProperty'])}"`;
  return `${place}: ${show(valueAt(document, instancePath))} does not fit the specification (${keyword})`;
}
