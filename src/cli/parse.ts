// Arguments to command and options, by the table.
//
// Written by hand rather than with yargs-parser: in the bundled executable that module alone adds 2.3 ms to a start of
// 3.1 ms (median of 60 interleaved starts, Bun 1.4.5 with bytecode), an engine starts runt four times in a container's life,
// and it knows other forms than Go's flag package, whose forms callers of runc may use: -bundle DIR is --bundle DIR (not
// -b -u -n …), a flag's value comes only after =, a value may begin with a dash, and --no-pivot is an option, not "pivot" negated.

import { fail, type Problem, RuntError } from '../error.ts';
import { nearest } from '../nearest.ts';
import { COMMAND_NAMES, findCommand } from './commands.ts';
import { GLOBAL_OPTIONS } from './options.ts';
import type { CommandSpec, OptionSpec, OptionValues } from './table.ts';

/** What the arguments ask for. */
export type Outcome =
  | {
      readonly kind: 'run';
      readonly command: CommandSpec;
      readonly options: OptionValues;
      readonly positionals: readonly string[];
    }
  | { readonly kind: 'help'; readonly command?: CommandSpec }
  | { readonly kind: 'version' }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly status: number };

export interface ParsedLine {
  /** The global options seen, up to the mistake where there is one: the log is told of it. */
  readonly globals: OptionValues;
  readonly outcome: Outcome;
}

/** runc's exit status for a command that it does not know; any other mistake is 1. */
export const UNKNOWN_COMMAND_STATUS = 3;

interface Values {
  readonly specs: readonly OptionSpec[];
  readonly found: Map<string, string | boolean | number | readonly string[]>;
}

function mistaken(message: string, hint?: string): never {
  fail({ code: 'usage', message, ...(hint === undefined ? {} : { hint }) });
}

function readValues({ specs, found }: Values): OptionValues {
  const value = (name: string, ...kinds: OptionSpec['kind'][]) => {
    const spec = specs.find((option) => option.name === name && kinds.includes(option.kind));
    if (spec === undefined) throw new Error(`the table of commands has no ${kinds.join(' or ')} option ${name}`);
    return found.get(name);
  };
  return {
    flag: (name) => value(name, 'flag') === true,
    text: (name) => {
      const text = value(name, 'text', 'choice');
      return typeof text === 'string' ? text : specs.find((option) => option.name === name)?.default;
    },
    list: (name) => {
      const texts = value(name, 'list');
      return typeof texts === 'object' ? texts : [];
    },
    count: (name) => {
      const number = value(name, 'count');
      return typeof number === 'number' ? number : 0;
    },
    given: (name) => value(name, 'flag', 'text', 'choice', 'count', 'list') !== undefined,
  };
}

/** The words of Go's strconv.ParseBool. */
const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

function readValue(spec: OptionSpec, shown: string, text: string): string | boolean | number {
  switch (spec.kind) {
    case 'text':
    case 'list':
      return text;
    case 'flag':
      if (TRUE.includes(text)) return true;
      if (FALSE.includes(text)) return false;
      return mistaken(`${shown} is true or false, not ${JSON.stringify(text)}`);
    case 'choice': {
      // runc takes an empty value of a global option as the default.
      if (text === '' && spec.default !== undefined && GLOBAL_OPTIONS.includes(spec)) return spec.default;
      const choices = spec.choices ?? [];
      if (choices.includes(text)) return text;
      const meant = nearest(text, choices);
      return mistaken(
        `${shown} is one of ${choices.join(', ')}, not ${JSON.stringify(text)}`,
        meant === undefined ? undefined : `did you mean ${meant}?`,
      );
    }
    case 'count':
      if (/^(?:[0-9]+|0x[0-9a-f]+|0o[0-7]+|0b[01]+)$/i.test(text) && Number.isSafeInteger(Number(text)))
        return Number(text);
      return mistaken(`${shown} is a whole number from 0, not ${JSON.stringify(text)}`);
    default:
      return spec.kind satisfies never;
  }
}

function where(command: CommandSpec | undefined): string {
  return command === undefined ? 'runt' : `runt ${command.name}`;
}

function helpHint(command: CommandSpec | undefined): string {
  return `see ${where(command)} --help`;
}

function unknownOption(name: string, command: CommandSpec | undefined, specs: readonly OptionSpec[]): never {
  const meant = nearest(
    name,
    specs.map((option) => option.name),
  );
  const letters = [...name].every((letter) => specs.some((option) => option.short === letter));
  const hint =
    meant !== undefined
      ? `did you mean --${meant}?`
      : letters
        ? `short options are given one by one: ${[...name].map((letter) => `-${letter}`).join(' ')}`
        : helpHint(command);
  mistaken(`unknown option ${name.length === 1 ? '-' : '--'}${name} of ${where(command)}`, hint);
}

function checkPositionals(command: CommandSpec, positionals: readonly string[]): void {
  const takesAll = command.rest !== undefined || command.positionals.at(-1)?.rest === true;
  const most = takesAll ? Number.POSITIVE_INFINITY : command.positionals.length;
  const least = command.positionals.filter((positional) => positional.optional !== true).length;
  if (positionals.length >= least && positionals.length <= most) return;
  const number = least === most ? `${most}` : positionals.length < least ? `at least ${least}` : `at most ${most}`;
  const names = command.positionals.map((positional) => `<${positional.name}>`).join(' ');
  const shown = names === '' ? '' : ` (${names})`;
  const noun = (least === most ? most : positionals.length < least ? least : most) === 1 ? 'argument' : 'arguments';
  mistaken(`runt ${command.name} takes ${number} ${noun}${shown}, not ${positionals.length}`, helpHint(command));
}

function unknownCommand(name: string): Outcome {
  const meant = nearest(name, COMMAND_NAMES);
  const problem: Problem = {
    code: 'usage',
    message: `runt has no command ${JSON.stringify(name)}`,
    hint: meant === undefined ? 'see runt --help' : `did you mean ${meant}?`,
  };
  return { kind: 'refused', problem, status: UNKNOWN_COMMAND_STATUS };
}

function parse(args: readonly string[], globals: Values): Outcome {
  let command: CommandSpec | undefined;
  const own: Values & { specs: OptionSpec[] } = { specs: [], found: new Map() };
  const positionals: string[] = [];
  let onlyPositionals = false;
  const set = (found: Values['found'], spec: OptionSpec, shown: string, text: string): void => {
    const value = readValue(spec, shown, text);
    const before = found.get(spec.name);
    found.set(
      spec.name,
      spec.kind === 'list' && typeof value === 'string'
        ? [...(typeof before === 'object' ? before : []), value]
        : value,
    );
  };
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    if (command?.positionals[positionals.length]?.rest === true) {
      // What the user types after the container is the program's command line. runc's manual shows a "--" before it.
      positionals.push(...args.slice(argument === '--' ? index + 1 : index));
      break;
    }
    if (onlyPositionals || argument === '-' || !argument.startsWith('-')) {
      if (command !== undefined) {
        positionals.push(argument);
        if (command.rest !== undefined && positionals.length === command.positionals.length) {
          positionals.push(...args.slice(index + 1));
          break;
        }
        continue;
      }
      command = findCommand(argument);
      if (command === undefined) return unknownCommand(argument);
      // Its arguments are not known to this version; the command says so by itself.
      if (command.later === true) break;
      own.specs.push(...command.options);
      onlyPositionals = false;
      continue;
    }
    if (argument === '--') {
      onlyPositionals = true;
      continue;
    }
    const equals = argument.indexOf('=');
    const name = argument.slice(argument.startsWith('--') ? 2 : 1, equals === -1 ? undefined : equals);
    const shown = equals === -1 ? argument : argument.slice(0, equals);
    const matches = (option: OptionSpec) => option.name === name || option.short === name;
    // A command's own option goes before a global one of the same name (spec --rootless).
    const ownSpec = own.specs.find(matches);
    const spec = ownSpec ?? GLOBAL_OPTIONS.find(matches);
    if (spec === undefined) unknownOption(name, command, [...own.specs, ...GLOBAL_OPTIONS]);
    const found = ownSpec === undefined ? globals.found : own.found;
    if (equals !== -1) {
      set(found, spec, shown, argument.slice(equals + 1));
    } else if (spec.kind === 'flag') {
      found.set(spec.name, true);
    } else {
      const value = args[++index];
      if (value === undefined) mistaken(`${shown} of ${where(command)} needs a value`, helpHint(command));
      set(found, spec, shown, value);
    }
  }
  if (globals.found.get('help') === true) return { kind: 'help', ...(command === undefined ? {} : { command }) };
  if (globals.found.get('version') === true) return { kind: 'version' };
  if (command === undefined) return { kind: 'help' };
  if (command.later !== true) checkPositionals(command, positionals);
  return { kind: 'run', command, options: readValues(own), positionals };
}

/** Never throws for what the user typed: a mistake is an outcome. `args` are without the program's own name. */
export function parseCommandLine(args: readonly string[]): ParsedLine {
  const globals: Values = { specs: GLOBAL_OPTIONS, found: new Map() };
  let outcome: Outcome;
  try {
    outcome = parse(args, globals);
  } catch (thrown) {
    if (!(thrown instanceof RuntError)) throw thrown;
    outcome = { kind: 'refused', problem: thrown.problem, status: 1 };
  }
  return { globals: readValues(globals), outcome };
}
