// Help, from the table of commands.
//
// Not by yargs: its module reads translations from a folder beside itself and looks for a package.json, neither of which
// exists for an executable; and it uses import.meta, which Bun's bytecode (CommonJS) can't hold.

import { allCommands } from './commands.ts';
import { GLOBAL_OPTIONS } from './options.ts';
import type { CommandSpec, OptionSpec, PositionalSpec } from './table.ts';

const WIDTH = 100;

/** Breaks a paragraph into lines no wider than WIDTH, each after `indent` spaces. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(' '.repeat(indent) + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(' '.repeat(indent) + line);
  return lines;
}

/** Two columns: terms, and what they mean. */
function columns(rows: readonly (readonly [term: string, meaning: string])[]): string[] {
  const indent = Math.max(...rows.map(([term]) => term.length)) + 4;
  return rows.flatMap(([term, meaning]) => {
    const [first = '', ...others] = wrap(meaning, indent);
    return [`  ${term}`.padEnd(indent) + first.trimStart(), ...others];
  });
}

/** What an option takes: `DIR`, `text|json`, or nothing. */
export function optionValueText(option: OptionSpec): string {
  return option.choices?.join('|') ?? option.placeholder ?? '';
}

/** What an option's absence means, in words; '' where there is nothing to say. */
export function optionDefaultText(option: OptionSpec): string {
  return option.defaultText ?? option.default ?? '';
}

function optionRows(options: readonly OptionSpec[]): (readonly [string, string])[] {
  return options.map((option) => {
    const value = optionValueText(option);
    const term = `${option.short === undefined ? '    ' : `-${option.short}, `}--${option.name}${value === '' ? '' : ` ${value}`}`;
    const absent = optionDefaultText(option);
    return [term, absent === '' ? option.help : `${option.help} (default: ${absent})`] as const;
  });
}

/** `<container-id> [<signal>]` */
export function positionalsText(positionals: readonly PositionalSpec[]): string {
  return positionals
    .map(({ name, optional, rest }) => {
      const text = rest === true ? `<${name}> ...` : `<${name}>`;
      return optional === true ? `[${text}]` : text;
    })
    .join(' ');
}

/** The positionals, and the rest where the command takes one. */
export function argumentsOf({ positionals, rest }: CommandSpec): readonly PositionalSpec[] {
  return rest === undefined ? positionals : [...positionals, { ...rest, name: `${rest.name}...` }];
}

/** `runt [global options] kill [options] <container-id> [<signal>]` */
export function usageText(command: CommandSpec): string {
  const parts = ['runt [global options]', command.name];
  if (command.options.length > 0) parts.push('[options]');
  if (command.positionals.length > 0) parts.push(positionalsText(argumentsOf(command)));
  return parts.join(' ');
}

export const INTRODUCTION =
  'runt runs containers as the runtime specification of the Open Container Initiative describes them: each from a bundle, a directory with a config.json and a root file system.';

export function generalHelp(): string {
  const present = allCommands().filter((command) => command.later !== true);
  const later = allCommands().filter((command) => command.later === true);
  return `${[
    ...wrap(INTRODUCTION, 0),
    '',
    'Usage: runt [global options] <command> [options] [arguments]',
    '',
    'Commands:',
    ...columns(present.map(({ name, summary }) => [name, summary] as const)),
    '',
    ...wrap(`Known, but refused by this version: ${later.map(({ name }) => name).join(', ')}.`, 0),
    '',
    'Global options, before or after the command:',
    ...columns(optionRows(GLOBAL_OPTIONS)),
    '',
    'runt <command> --help says more.',
  ].join('\n')}\n`;
}

export function commandHelp(command: CommandSpec): string {
  if (command.later === true) return `runt ${command.name}: ${command.summary} (not supported yet by this version)\n`;
  const lines = [`runt ${command.name}: ${command.summary}`, '', `Usage: ${usageText(command)}`];
  for (const paragraph of command.description ?? []) lines.push('', ...wrap(paragraph, 0));
  if (command.positionals.length > 0) {
    lines.push(
      '',
      'Arguments:',
      ...columns(argumentsOf(command).map(({ name, help }) => [`<${name}>`, help] as const)),
    );
  }
  if (command.options.length > 0) lines.push('', 'Options:', ...columns(optionRows(command.options)));
  if (command.examples !== undefined) lines.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`));
  lines.push('', 'Global options: see runt --help.');
  return `${lines.join('\n')}\n`;
}
