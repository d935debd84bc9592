// The shape of the table of commands (commands.ts), and what a command's function is given. Types only.

import type { Log } from '../log.ts';

export interface OptionSpec {
  /** Without dashes. The command line accepts -name as well as --name, as runc's does. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** A flag takes no value (or =true, =false); a choice takes one of `choices`; a count is a whole number from 0; a list may be given many times. */
  readonly kind: 'flag' | 'text' | 'count' | 'choice' | 'list';
  readonly choices?: readonly string[];
  /** How the help shows the value: DIR, FILE, N. */
  readonly placeholder?: string;
  /** What is taken where the option is absent. */
  readonly default?: string;
  /** The default in words, where it is not a constant: "the current directory". */
  readonly defaultText?: string;
  /** One sentence, lower case, without a full stop. */
  readonly help: string;
}

export interface PositionalSpec {
  readonly name: string;
  readonly optional?: true;
  /** The last one: it and all that follows, options too, are taken as they are. */
  readonly rest?: true;
  readonly help: string;
}

export type CommandName =
  | 'create'
  | 'start'
  | 'run'
  | 'exec'
  | 'state'
  | 'kill'
  | 'delete'
  | 'list'
  | 'spec'
  | 'validate'
  | 'plan'
  | 'features'
  | 'completion'
  | 'help'
  | 'update'
  | 'pause'
  | 'resume'
  | 'ps'
  | 'events'
  | LaterCommandName;

/** Commands of runc that this version refuses by name. */
export type LaterCommandName = 'checkpoint' | 'restore';

export interface CommandSpec {
  readonly name: CommandName;
  /** One line, lower case, without a full stop. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly description?: readonly string[];
  readonly positionals: readonly PositionalSpec[];
  /** What follows the positionals belongs to another program: any number of words, options too, taken as they are. */
  readonly rest?: PositionalSpec;
  readonly options: readonly OptionSpec[];
  /** Lines that can be typed as they are. */
  readonly examples?: readonly string[];
  /** An error begins with `runt NAME failed: `, as runc's does for the same commands. */
  readonly namesItselfInErrors?: true;
  /** The exit status of an error that is not of the command line; 1 where absent. */
  readonly errorStatus?: number;
  /** Known, but refused by name in this version. */
  readonly later?: true;
}

/** Option values by name. Asking for a name that the command does not have is a defect of runt. */
export interface OptionValues {
  flag(name: string): boolean;
  /** The text of a `text` or `choice` option; undefined where it is absent and has no default. */
  text(name: string): string | undefined;
  /** The texts of a `list` option, in their order; none where it is absent. */
  list(name: string): readonly string[];
  /** The number of a `count` option; 0 where it is absent. */
  count(name: string): number;
  /** Whether the option was on the command line. */
  given(name: string): boolean;
}

export interface Invocation {
  readonly command: CommandSpec;
  readonly options: OptionValues;
  readonly globals: OptionValues;
  /** As many as the table allows, and the rest where it has one; an optional one may be missing at the end. */
  readonly positionals: readonly string[];
  readonly log: Log;
}

/** Returns the exit status. Errors are thrown. */
export type CommandFunction = (invocation: Invocation) => Promise<number> | number;

/** Some of the commands, by name. */
export type SpecTable = Readonly<Partial<Record<CommandName, () => CommandSpec>>>;
