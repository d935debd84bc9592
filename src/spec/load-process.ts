// The process object by itself, as exec is given it (config.md, "Process").

import { fail } from '../error.ts';
import { type Violation, violationText } from './findings.ts';
import { knownProperties, validateProcess } from './generated/process-lean.ts';
import type { Process } from './generated/types.ts';
import { parseFolding } from './parse-folding.ts';
import { parseJson } from './read.ts';
import { countProperties } from './scan.ts';
import { processViolations } from './semantics/process.ts';
import { scanIfNeeded, textViolations } from './semantics/text.ts';

export interface LoadedProcess {
  readonly process: Process;
  /** What was read; where names were in another case (fold.ts), the same with those of the specification. */
  readonly text: string;
  /** Of names in another case. What the rules warn of is not said at every exec. */
  readonly warnings: readonly Violation[];
  /** It has no property that the schema does not know. */
  readonly isAllKnown: boolean;
}

/** Throws a RuntError of code `config` with all findings. `file` is its name for people. */
export async function loadProcess(text: string, file: string): Promise<LoadedProcess> {
  return await parseFolding(text, { kind: 'process', file, parse: parseProcess });
}

/** Throws a RuntError of code `config` that tells a rule that is broken, or only that the schema is. */
function parseProcess(text: string, file: string): LoadedProcess {
  const document = parseJson(text, file);
  if (!validateProcess(document))
    fail({ code: 'config', message: `${file}: the process does not fit the specification` });
  const process = document as Process;
  const count = countProperties(document);
  const scanned = scanIfNeeded(text, count);
  const violations = [...textViolations(text, document, scanned), ...processViolations(process)];
  const first = violations.find(({ severity }) => severity === 'error');
  if (first !== undefined)
    fail({ code: 'config', message: `${file}: ${violationText(first)}`, pointer: first.pointer, document: file });
  return { process, text, warnings: [], isAllKnown: count === knownProperties() };
}
