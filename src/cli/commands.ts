// The one table of commands and options. It feeds the parser (parse.ts), the help (help.ts), the completion
// (completion.ts) and the manual (markdown.ts, docs/command-line.md). What the commands do is in commands/ (load.ts).
// Each entry is a function: a command line makes the one that it names, not all of them.

import { CONTAINER_COMMANDS } from './specs/containers.ts';
import { OTHER_COMMANDS } from './specs/others.ts';
import type { CommandName, CommandSpec } from './table.ts';

const TABLE: Readonly<Record<CommandName, () => CommandSpec>> = { ...CONTAINER_COMMANDS, ...OTHER_COMMANDS };

export const COMMAND_NAMES = Object.keys(TABLE) as readonly CommandName[];

export function findCommand(name: string): CommandSpec | undefined {
  return Object.hasOwn(TABLE, name) ? TABLE[name as CommandName]() : undefined;
}

/** All of them, in the order of the help. */
export function allCommands(): readonly CommandSpec[] {
  return COMMAND_NAMES.map((name) => TABLE[name]());
}
