// Options and arguments that the command line as a whole, or several commands, have.

import type { OptionSpec, PositionalSpec } from './table.ts';

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'root',
    kind: 'text',
    placeholder: 'DIR',
    defaultText: '/run/runt; without root privileges $XDG_RUNTIME_DIR/runt',
    help: 'where the state of the containers is kept; should be on a tmpfs',
  },
  {
    name: 'log',
    kind: 'text',
    placeholder: 'FILE',
    defaultText: 'standard error',
    help: 'append log lines to this file',
  },
  { name: 'log-format', kind: 'choice', choices: ['text', 'json'], default: 'text', help: 'how log lines look' },
  { name: 'debug', kind: 'flag', help: 'log what helps to debug runt itself' },
  {
    name: 'systemd-cgroup',
    kind: 'flag',
    help: 'let systemd manage the control groups; linux.cgroupsPath is SLICE:PREFIX:NAME then',
  },
  {
    name: 'rootless',
    kind: 'choice',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    help: 'go on where control groups may not be used; auto: if the caller is not root on the host',
  },
  { name: 'version', short: 'v', kind: 'flag', help: 'print the version' },
  { name: 'help', short: 'h', kind: 'flag', help: 'print help, for the command if one is named' },
];

export const ID: PositionalSpec = {
  name: 'container-id',
  help: 'the name of the container, unique under the --root directory',
};

export const BUNDLE: OptionSpec = {
  name: 'bundle',
  short: 'b',
  kind: 'text',
  placeholder: 'DIR',
  defaultText: 'the current directory',
  help: 'the bundle: a directory with config.json and the root file system',
};

export const CREATE_OPTIONS: readonly OptionSpec[] = [
  BUNDLE,
  {
    name: 'console-socket',
    kind: 'text',
    placeholder: 'PATH',
    help: 'a listening unix socket that is sent the master end of the terminal',
  },
  {
    name: 'pidfd-socket',
    kind: 'text',
    placeholder: 'PATH',
    help: 'a listening unix socket that is sent a pidfd of the first process',
  },
  { name: 'pid-file', kind: 'text', placeholder: 'FILE', help: 'where to write the pid of the first process' },
  {
    name: 'no-pivot',
    kind: 'flag',
    help: 'move the root mount rather than pivot_root, for a root file system on a ramdisk',
  },
  { name: 'no-new-keyring', kind: 'flag', help: 'keep the session keyring of the caller' },
  {
    name: 'preserve-fds',
    kind: 'count',
    placeholder: 'N',
    default: '0',
    help: 'hand over N more file descriptors, from 3 on (after those of $LISTEN_FDS)',
  },
];
