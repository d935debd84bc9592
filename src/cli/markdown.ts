// The manual of the command line (docs/command-line.md), from the table of commands.

import { allCommands } from './commands.ts';
import { argumentsOf, optionDefaultText, optionValueText, usageText } from './help.ts';
import { GLOBAL_OPTIONS } from './options.ts';
import type { CommandSpec, OptionSpec } from './table.ts';

/** A vertical bar would end a table's cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

function optionTable(options: readonly OptionSpec[]): string[] {
  return [
    '| Option | Meaning | Default |',
    '|---|---|---|',
    ...options.map((option) => {
      const value = optionValueText(option);
      const names = `${option.short === undefined ? '' : `\`-${option.short}\`, `}\`--${option.name}${value === '' ? '' : ` ${cell(value)}`}\``;
      return `| ${names} | ${cell(option.help)} | ${cell(optionDefaultText(option))} |`;
    }),
  ];
}

function commandSection(command: CommandSpec): string[] {
  const lines = [`## ${command.name}`, '', `    ${usageText(command)}`, '', `${sentence(command.summary)}`];
  for (const paragraph of command.description ?? []) lines.push('', paragraph);
  if (command.positionals.length > 0) {
    lines.push('', ...argumentsOf(command).map(({ name, help }) => `- \`<${name}>\`: ${help}`));
  }
  if (command.options.length > 0) lines.push('', ...optionTable(command.options));
  if (command.examples !== undefined) lines.push('', ...command.examples.map((example) => `    ${example}`));
  return [...lines, ''];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The whole page. */
export function renderMarkdown(): string {
  const present = allCommands().filter((command) => command.later !== true);
  const later = allCommands().filter((command) => command.later === true);
  return `${[
    '# The command line',
    '',
    '<!-- Made from the table in src/cli/commands.ts; a test keeps it up to date and says how to write it anew. -->',
    '',
    'The commands, options, exit statuses and log lines are those of runc, so that runt can stand in its place.',
    '',
    '    runt [global options] <command> [options] [arguments]',
    '',
    '- An option may stand before or after the arguments, a global option also after the command. `--` ends the options.',
    '- `--bundle DIR`, `--bundle=DIR`, `-b DIR`, `-b=DIR`, `-bundle DIR` and `-bundle=DIR` say the same. Short options are not combined.',
    '- A flag takes a value only after the equals sign: `--debug`, `--debug=true`, `--debug=false`.',
    '',
    '## Global options',
    '',
    ...optionTable(GLOBAL_OPTIONS),
    '',
    '## Exit status',
    '',
    '| Status | Meaning |',
    '|---|---|',
    '| 0 | done |',
    '| 1 | an error, or a mistake in the command line; the last line on standard error says which |',
    '| 3 | there is no such command |',
    '| any | `run` ends with the status of the program, or 128 and the number of the signal that ended it |',
    '',
    '## Log',
    '',
    'Lines go to standard error, or to the end of the file that `--log` names; the failure that ends a command then goes to standard error too. The last line of level error says all: what was being done, to what, which system call failed and why, which value of config.json asked for it.',
    '',
    '    time="2026-01-31T09:30:00Z" level=error msg="container does not exist"',
    '    {"level":"error","msg":"container does not exist","time":"2026-01-31T09:30:00Z"}',
    '',
    ...present.flatMap(commandSection),
    '## Not yet',
    '',
    'These commands are known, and refused with exit status 1:',
    '',
    ...later.map(({ name, summary }) => `- \`${name}\`: ${summary}`),
  ].join('\n')}\n`;
}
