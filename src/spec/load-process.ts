// The process object by itself, as exec is given it (config.md, "Process").

import { fail } from '../error.ts';
import { violationText } from './findings.ts';
import { validateProcess } from './generated/process-lean.ts';
import type { Process } from './generated/types.ts';
import { parseJson } from './read.ts';
import { processViolations } from './semantics/process.ts';
import { scanIfNeeded, textViolations } from './semantics/text.ts';

/** Throws a RuntError of code `config` that tells a rule that is broken, or only that the schema is. `file` is its name for people. */
export function parseProcess(text: string, file: string): Process {
  const document = parseJson(text, file);
  if (!validateProcess(document))
    fail({ code: 'config', message: `${file}: the process does not fit the specification` });
  const process = document as Process;
  const scanned = scanIfNeeded(text, document);
  const violations = [...textViolations(text, document, scanned), ...processViolations(process)];
  const first = violations.find(({ severity }) => severity === 'error');
  if (first !== undefined)
    fail({ code: 'config', message: `${file}: ${violationText(first)}`, pointer: first.pointer, document: file });
  return process;
}
