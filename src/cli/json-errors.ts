// Commands that answer a program (`--format json`) give it their errors as data too.

import { RuntError } from '../error.ts';
import { print } from './output.ts';
import { problemData } from './render.ts';

/** Does the work; where it throws a problem, prints `{"error": …}` on standard output and throws on (the log gets its line). */
export async function withErrorsAsJson<Result>(asJson: boolean, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (asJson && error instanceof RuntError) {
      print(`${JSON.stringify({ error: problemData(error.problem) }, null, 2)}\n`);
    }
    throw error;
  }
}
