// Arguments to exit status. Loads the table, the parser and the log; everything else where it is needed.

import { LOAD } from './load.ts';
import { type LogSettings, type OpenLog, openLog } from './log.ts';
import { print } from './output.ts';
import { type Outcome, type ParsedLine, parseCommandLine } from './parse.ts';
import type { OptionValues } from './table.ts';
import { VERSION, versionText } from './version.ts';

function logSettings(globals: OptionValues): LogSettings {
  const file = globals.text('log');
  return {
    // runc, too, takes an empty name for standard error.
    ...(file === undefined || file === '' ? {} : { file }),
    format: globals.text('log-format') === 'json' ? 'json' : 'text',
    debug: globals.flag('debug'),
  };
}

async function report(log: OpenLog, debug: boolean, thrown: unknown, prefix: string): Promise<void> {
  const { renderError } = await import('./render.ts');
  const { message, details, trace } = renderError(thrown);
  if (debug) for (const line of trace()) log.debug(line);
  log.fatal(`${prefix}${message}`, details);
}

async function carryOut(outcome: Outcome, globals: OptionValues, log: OpenLog): Promise<number> {
  switch (outcome.kind) {
    case 'version':
      print(versionText());
      return 0;
    case 'help': {
      const { commandHelp, generalHelp } = await import('./help.ts');
      print(outcome.command === undefined ? generalHelp() : commandHelp(outcome.command));
      return 0;
    }
    case 'refused': {
      const { problemText } = await import('./render.ts');
      log.fatal(problemText(outcome.problem), []);
      return outcome.status;
    }
    case 'run': {
      const { command, options, positionals } = outcome;
      // Not the arguments: those of a later exec may hold secrets (--env).
      log.debug(`runt ${VERSION}: ${command.name}`);
      try {
        const run = await LOAD[command.name]();
        return await run({ command, options, globals, positionals, log });
      } catch (thrown) {
        await report(
          log,
          globals.flag('debug'),
          thrown,
          command.namesItselfInErrors === true ? `runt ${command.name} failed: ` : '',
        );
        return command.errorStatus ?? 1;
      }
    }
    default:
      return outcome satisfies never;
  }
}

/**
 * Carries out a command line, without the program's own name. Returns the exit status: 0; 1 for any error, which has
 * been reported (255 for exec, as runc); 3 for a command that does not exist (as runc); that of the program for `run` and `exec`. Never throws for what a user did.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const { globals, outcome }: ParsedLine = parseCommandLine(args);
  let log: OpenLog;
  try {
    log = openLog(logSettings(globals));
  } catch (thrown) {
    const { format, debug } = logSettings(globals);
    await report(openLog({ format, debug }), debug, thrown, '');
    return 1;
  }
  try {
    return await carryOut(outcome, globals, log);
  } finally {
    log.close();
  }
}
