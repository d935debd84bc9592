// The commands that need no container, and those of a later version.

import { BUNDLE } from '../options.ts';
import type { CommandName, CommandSpec, SpecTable } from '../table.ts';

const notYet = (name: CommandName, summary: string): CommandSpec => ({
  name,
  summary,
  positionals: [],
  options: [],
  later: true,
});

export const OTHER_COMMANDS = {
  spec: () => ({
    name: 'spec',
    summary: 'write a config.json to start from',
    description: ['The file must not exist yet. Its program is sh; edit process.args to run another.'],
    positionals: [],
    options: [BUNDLE, { name: 'rootless', kind: 'flag', help: 'for a container that is run without root privileges' }],
  }),
  validate: () => ({
    name: 'validate',
    summary: 'check a config.json against the specification',
    description: [
      'Prints every problem with its line, column, JSON pointer, what was expected and what was found. What is only ignored, or taken for something else (a property that is unknown, or has its name in another case), is a warning. Needs no privileges. The exit status is 1 where there is an error.',
    ],
    positionals: [
      { name: 'file', optional: true, help: 'the file to check instead of that of the bundle; - is standard input' },
    ],
    options: [
      BUNDLE,
      { name: 'format', kind: 'choice', choices: ['text', 'json'], default: 'text', help: 'how to print' },
    ],
    examples: ['runt validate', 'runt validate --format json - < config.json'],
  }),
  plan: () => ({
    name: 'plan',
    summary: 'print the system calls that would make the container',
    description: [
      'What happens inside the container, each line with the value of config.json that caused it. Runs nothing, changes nothing and needs no privileges.',
    ],
    positionals: [],
    options: [
      BUNDLE,
      { name: 'format', kind: 'choice', choices: ['text', 'json'], default: 'text', help: 'how to print' },
    ],
  }),
  features: () => ({
    name: 'features',
    summary: 'print what runt implements, as the features document of the specification',
    description: [
      'The document is of the program, and the same on every host. With --why it is the host that is asked: what of it can not be done here, by this caller, and what is missing. The kernel is asked by calls that change nothing; no privileges are needed.',
    ],
    positionals: [],
    options: [
      { name: 'why', kind: 'flag', help: 'what this host can not do, and what is missing for it' },
      {
        name: 'format',
        kind: 'choice',
        choices: ['text', 'json'],
        default: 'text',
        help: 'how to print what is missing',
      },
    ],
  }),
  completion: () => ({
    name: 'completion',
    summary: 'print a script that completes the command line of runt',
    positionals: [{ name: 'shell', help: 'bash, zsh or fish' }],
    options: [],
    examples: [
      'runt completion bash > /etc/bash_completion.d/runt',
      'runt completion zsh > /usr/local/share/zsh/site-functions/_runt',
      'runt completion fish > /etc/fish/completions/runt.fish',
    ],
  }),
  help: () => ({
    name: 'help',
    summary: 'print help, for a command if one is named',
    positionals: [{ name: 'command', optional: true, help: 'one of the commands' }],
    options: [],
  }),
  checkpoint: () => notYet('checkpoint', 'write a running container to disk'),
  restore: () => notYet('restore', 'restore a container from disk'),
} satisfies SpecTable;
