// A document that may have names in another case (fold.ts). One that fits, with names that the schema knows, is parsed in one turn, and nothing is loaded.

import { RuntError } from '../error.ts';
import type { Violation } from './findings.ts';

interface Parsed {
  readonly warnings: readonly Violation[];
  readonly isAllKnown: boolean;
}

interface Parsing<T extends Parsed> {
  readonly kind: 'config' | 'process';
  /** Its name for people. */
  readonly file: string;
  /** Throws a RuntError of code `config` for what does not fit. */
  readonly parse: (text: string, file: string) => T;
}

/** Throws a RuntError of code `config` with all findings, by the places of the text as it was given. */
export async function parseFolding<T extends Parsed>(text: string, { kind, file, parse }: Parsing<T>): Promise<T> {
  const first = attempt(parse, text, file);
  if (!(first instanceof RuntError) && first.isAllKnown) return first;
  const folded = (await import('./fold.ts')).foldNames(text, kind);
  const isClear = folded?.findings.every(({ severity }) => severity === 'warning') ?? true;
  const last = folded === undefined ? first : attempt(parse, folded.text, file);
  if (isClear && !(last instanceof RuntError))
    return folded === undefined ? last : { ...last, warnings: [...folded.findings, ...last.warnings] };
  const { problemWith } = await import('./explain.ts');
  const problem = problemWith(text, kind, file);
  if (last instanceof RuntError) throw new RuntError(problem ?? last.problem, last);
  throw new RuntError(problem ?? { code: 'config', message: `${file}: a property is there twice` });
}

function attempt<T extends Parsed>(parse: Parsing<T>['parse'], text: string, file: string): T | RuntError {
  try {
    return parse(text, file);
  } catch (error) {
    if (error instanceof RuntError) return error;
    throw error;
  }
}
