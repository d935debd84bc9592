// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollars are those of the shells.

// Scripts that complete the command line, from the table of commands. They are complete by themselves: a shell runs runt
// only for the ids of the containers there are.

import { allCommands } from './commands.ts';
import { GLOBAL_OPTIONS } from './options.ts';
import type { CommandSpec, OptionSpec } from './table.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What the value of an option is completed with. */
type Completes = 'file' | 'directory' | readonly string[] | 'nothing';

const offered = allCommands().filter((command) => command.later !== true);

function completes(option: OptionSpec): Completes {
  if (option.choices !== undefined) return option.choices;
  if (option.placeholder === 'DIR') return 'directory';
  return option.placeholder === 'FILE' || option.placeholder === 'PATH' ? 'file' : 'nothing';
}

/** What a command's first argument is completed with. */
function completesFirst(command: CommandSpec): Completes | 'id' {
  switch (command.positionals[0]?.name) {
    case 'container-id':
      // create and run take an id that is not there yet.
      return command.options.some((option) => option.name === 'bundle') ? 'nothing' : 'id';
    case 'file':
      return 'file';
    case 'shell':
      return SHELLS;
    case 'command':
      return offered.map(({ name }) => name);
    default:
      return 'nothing';
  }
}

const IDS = 'runt list --quiet 2>/dev/null';

function optionNames(options: readonly OptionSpec[]): string[] {
  return options.flatMap(({ name, short }) => (short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]));
}

function bashReply(completing: Completes | 'id'): string {
  if (completing === 'file') return 'compgen -f -- "$word"';
  if (completing === 'directory') return 'compgen -d -- "$word"';
  if (completing === 'id') return `compgen -W "$(${IDS})" -- "$word"`;
  return completing === 'nothing' ? 'true' : `compgen -W "${completing.join(' ')}" -- "$word"`;
}

/** The case arms for the options that take a value. */
function bashValues(options: readonly OptionSpec[], indent: string): string[] {
  return options
    .filter((option) => option.kind !== 'flag')
    .map(
      (option) =>
        `${indent}${optionNames([option]).join('|')}) mapfile -t COMPREPLY < <(${bashReply(completes(option))}); return ;;`,
    );
}

function bashScript(): string {
  const valued = (options: readonly OptionSpec[]) =>
    optionNames(options.filter((option) => option.kind !== 'flag')).join('|');
  const globalNames = optionNames(GLOBAL_OPTIONS).join(' ');
  return `${[
    '# Completes the command line of runt in bash.',
    '_runt() {',
    '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}" command="" index',
    '  for ((index = 1; index < COMP_CWORD; index++)); do',
    '    case "${COMP_WORDS[index]}" in',
    `      ${valued(GLOBAL_OPTIONS)}) ((index++)) ;;`,
    '      -*) ;;',
    '      *) command="${COMP_WORDS[index]}"; break ;;',
    '    esac',
    '  done',
    '  case "$command" in',
    ...offered
      .filter((command) => command.options.some((option) => option.kind !== 'flag'))
      .flatMap((command) => [
        `    ${command.name})`,
        '      case "$before" in',
        ...bashValues(command.options, '        '),
        '      esac ;;',
      ]),
    '  esac',
    '  case "$before" in',
    ...bashValues(GLOBAL_OPTIONS, '    '),
    '  esac',
    '  local options="" words=true',
    '  case "$command" in',
    `    "") options="${globalNames}"; words='compgen -W "${offered.map(({ name }) => name).join(' ')}" -- "$word"' ;;`,
    ...offered.map(
      (command) =>
        `    ${command.name}) options="${[...optionNames(command.options), globalNames].join(' ')}"; words='${bashReply(completesFirst(command))}' ;;`,
    ),
    '  esac',
    '  if [[ $word == -* ]]; then',
    '    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")',
    '  else',
    '    mapfile -t COMPREPLY < <(eval "$words")',
    '  fi',
    '}',
    'complete -F _runt runt',
  ].join('\n')}\n`;
}

/** Inside single quotes, where brackets and colons have a meaning of their own to _arguments. */
const zshText = (text: string): string => text.replaceAll("'", "'\\''").replace(/[[\]:\\]/g, '\\$&');

function zshAction(completing: Completes | 'id'): string {
  if (completing === 'file') return '_files';
  if (completing === 'directory') return '_files -/';
  if (completing === 'id') return `($(${IDS}))`;
  return completing === 'nothing' ? '' : `(${completing.join(' ')})`;
}

function zshOptions(options: readonly OptionSpec[]): string[] {
  return options.flatMap((option) =>
    optionNames([option]).map((name) => {
      const value =
        option.kind === 'flag' ? '' : `:${zshText(option.placeholder ?? option.name)}:${zshAction(completes(option))}`;
      return `'${name}[${zshText(option.help)}]${value}'`;
    }),
  );
}

function zshScript(): string {
  return `${[
    '#compdef runt',
    '# Completes the command line of runt in zsh.',
    'local -a globals commands',
    'local curcontext="$curcontext" state',
    `globals=(${zshOptions(GLOBAL_OPTIONS).join(' ')})`,
    `commands=(${offered.map(({ name, summary }) => `'${name}:${zshText(summary)}'`).join(' ')})`,
    '_arguments -C $globals "1: :->command" "*:: :->arguments"',
    'case $state in',
    "  command) _describe 'command' commands ;;",
    '  arguments)',
    '    case $words[1] in',
    ...offered.map((command) => {
      const first = completesFirst(command);
      const argument =
        command.positionals[0] === undefined ? '' : ` '1:${command.positionals[0].name}:${zshAction(first)}'`;
      return `      ${command.name}) _arguments $globals ${zshOptions(command.options).join(' ')}${argument} ;;`;
    }),
    '    esac ;;',
    'esac',
  ].join('\n')}\n`;
}

const fishText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fishOption(option: OptionSpec, condition: string): string {
  const completing = completes(option);
  const value =
    option.kind === 'flag'
      ? ''
      : completing === 'file'
        ? ' -r -F'
        : completing === 'directory'
          ? " -x -a '(__fish_complete_directories)'"
          : ` -x${completing === 'nothing' ? '' : ` -a ${fishText(completing.join(' '))}`}`;
  return `complete -c runt${condition}${option.short === undefined ? '' : ` -s ${option.short}`} -l ${option.name}${value} -d ${fishText(option.help)}`;
}

function fishScript(): string {
  const first = (command: CommandSpec): string[] => {
    const completing = completesFirst(command);
    if (completing === 'nothing' || completing === 'directory') return [];
    const condition = `-n '__fish_seen_subcommand_from ${command.name}'`;
    if (completing === 'file') return [`complete -c runt ${condition} -F`];
    return [`complete -c runt ${condition} -a ${fishText(completing === 'id' ? `(${IDS})` : completing.join(' '))}`];
  };
  return `${[
    '# Completes the command line of runt in fish.',
    'complete -c runt -f',
    ...GLOBAL_OPTIONS.map((option) => fishOption(option, '')),
    ...offered.map(
      ({ name, summary }) => `complete -c runt -n __fish_use_subcommand -a ${name} -d ${fishText(summary)}`,
    ),
    ...offered.flatMap((command) => [
      ...command.options.map((option) => fishOption(option, ` -n '__fish_seen_subcommand_from ${command.name}'`)),
      ...first(command),
    ]),
  ].join('\n')}\n`;
}

export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bashScript();
    case 'zsh':
      return zshScript();
    case 'fish':
      return fishScript();
    default:
      return shell satisfies never;
  }
}
