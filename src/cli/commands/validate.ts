import { join } from 'node:path';
import { isatty } from 'node:tty';
import { fail } from '../../error.ts';
import { readDocument, renderFindings, validateText } from '../../spec/validate.ts';
import { withErrorsAsJson } from '../json-errors.ts';
import { print } from '../output.ts';
import type { Invocation } from '../table.ts';

const STANDARD_OUTPUT = 1;

/** https://no-color.org */
function wantsColour(): boolean {
  return isatty(STANDARD_OUTPUT) && !process.env.NO_COLOR;
}

/** The findings go to standard output. Throws `config` where one of them is an error, so that the exit status tells. */
export async function validate({ options, positionals }: Invocation): Promise<number> {
  const asJson = options.text('format') === 'json';
  const [named] = positionals;
  if (named !== undefined && options.given('bundle')) {
    fail({
      code: 'usage',
      message: 'runt validate takes a file or a bundle, not both',
      hint: 'see runt validate --help',
    });
  }
  const path = named ?? join(options.text('bundle') || '.', 'config.json');
  const file = path === '-' ? 'standard input' : path;
  const findings = await withErrorsAsJson(asJson, async () => validateText(readDocument(path)));
  print(renderFindings(findings, asJson ? 'json' : 'text', { colour: !asJson && wantsColour(), file }));
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  if (errors > 0) {
    fail({ code: 'config', message: `${file} is not valid: ${errors === 1 ? '1 error' : `${errors} errors`}` });
  }
  if (!asJson) print(`${file} is valid\n`);
  return 0;
}
