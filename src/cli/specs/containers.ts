// The commands that do something with a container.

import { CREATE_OPTIONS, ID } from '../options.ts';
import type { SpecTable } from '../table.ts';
import { UPDATE_OPTIONS } from '../update-options.ts';

export const CONTAINER_COMMANDS = {
  create: () => ({
    name: 'create',
    summary: 'create a container from a bundle, without starting its program',
    description: [
      'Everything that config.json asks for is set up, and the container waits. `runt start` then executes process.args; what it writes goes to the standard streams that create was given.',
    ],
    positionals: [ID],
    options: CREATE_OPTIONS,
    examples: ['runt create --bundle /var/lib/bundles/web web'],
    namesItselfInErrors: true,
  }),
  start: () => ({
    name: 'start',
    summary: 'execute the program of a created container',
    description: ['Fails, with the reason, where the program can not be executed.'],
    positionals: [ID],
    options: [],
  }),
  run: () => ({
    name: 'run',
    summary: 'create a container, start it and wait for its end',
    description: [
      'The exit status is that of the program, or 128 and the number of the signal that ended it. Signals that runt receives are passed on.',
    ],
    positionals: [ID],
    options: [
      ...CREATE_OPTIONS,
      { name: 'detach', short: 'd', kind: 'flag', help: 'return as soon as the program runs' },
      { name: 'keep', kind: 'flag', help: 'do not delete the container when it ends' },
      { name: 'no-subreaper', kind: 'flag', help: 'leave orphaned processes of the container to init of the host' },
    ],
    examples: ['runt run --bundle /var/lib/bundles/web web', 'runt run -d web'],
    namesItselfInErrors: true,
  }),
  exec: () => ({
    name: 'exec',
    summary: 'execute another program in a running container',
    description: [
      'The program gets what process in config.json says, as it was when the container was created, changed by the options; or what --process says. The exit status is that of the program, or 128 and the number of the signal that ended it; 255 where it could not be executed. Signals that runt receives are passed on.',
      'Options go before the container; all that follows it is the command of the program.',
    ],
    positionals: [
      ID,
      {
        name: 'command',
        optional: true,
        rest: true,
        help: 'the program and its arguments, where there is no --process',
      },
    ],
    options: [
      {
        name: 'process',
        short: 'p',
        kind: 'text',
        placeholder: 'FILE',
        help: 'a process object of the specification as JSON: the whole description of the program; - is standard input',
      },
      { name: 'cwd', kind: 'text', placeholder: 'PATH-IN-CONTAINER', help: 'the working directory' },
      { name: 'env', short: 'e', kind: 'list', placeholder: 'NAME=VALUE', help: 'set a variable of the environment' },
      { name: 'user', short: 'u', kind: 'text', placeholder: 'UID[:GID]', help: 'the user, and the group' },
      {
        name: 'additional-gids',
        short: 'g',
        kind: 'list',
        placeholder: 'GID',
        help: 'a supplementary group, besides those of config.json',
      },
      {
        name: 'cap',
        short: 'c',
        kind: 'list',
        placeholder: 'CAP_NAME',
        help: 'a capability, besides those of config.json',
      },
      { name: 'no-new-privs', kind: 'flag', help: 'let the program gain no privileges by execve; =false lets it' },
      {
        name: 'apparmor',
        kind: 'text',
        placeholder: 'PROFILE',
        help: 'the AppArmor profile, instead of that of the container',
      },
      {
        name: 'process-label',
        kind: 'text',
        placeholder: 'LABEL',
        help: 'the SELinux label, instead of that of the container',
      },
      { name: 'tty', short: 't', kind: 'flag', help: 'give the program a terminal' },
      {
        name: 'console-socket',
        kind: 'text',
        placeholder: 'PATH',
        help: 'a listening unix socket that is sent the master end of the terminal; with --detach',
      },
      {
        name: 'pidfd-socket',
        kind: 'text',
        placeholder: 'PATH',
        help: 'a listening unix socket that is sent a pidfd of the program',
      },
      { name: 'detach', short: 'd', kind: 'flag', help: 'return as soon as the program runs' },
      { name: 'pid-file', kind: 'text', placeholder: 'FILE', help: 'where to write the pid of the program' },
      {
        name: 'preserve-fds',
        kind: 'count',
        placeholder: 'N',
        default: '0',
        help: 'hand over N more file descriptors, from 3 on',
      },
      {
        name: 'cgroup',
        kind: 'list',
        placeholder: '[CONTROLLER:]PATH',
        help: 'run in this cgroup below the container’s, which exists; once for all hierarchies, or for the named ones',
      },
      {
        name: 'ignore-paused',
        kind: 'flag',
        help: 'also in a paused container: the program begins when that is resumed',
      },
    ],
    examples: ['runt exec web ps', 'runt exec --user 1000:1000 --env LANG=C web sh -c "id -u"'],
    namesItselfInErrors: true,
    errorStatus: 255,
  }),
  state: () => ({
    name: 'state',
    summary: 'print the state of a container as JSON',
    positionals: [ID],
    options: [],
    examples: ['runt state web'],
  }),
  kill: () => ({
    name: 'kill',
    summary: 'send a signal to the first process of a container',
    description: ['The signal is a number (9) or a name in any case, with or without SIG (KILL, sigkill, RTMIN+3).'],
    positionals: [ID, { name: 'signal', optional: true, help: 'SIGTERM where none is given' }],
    options: [
      {
        name: 'all',
        short: 'a',
        kind: 'flag',
        help: 'to every process of the container; no error where there is none left',
      },
    ],
    examples: ['runt kill web KILL', 'runt kill --all web 9'],
  }),
  delete: () => ({
    name: 'delete',
    summary: 'remove what a stopped container still holds',
    positionals: [ID],
    options: [
      {
        name: 'force',
        short: 'f',
        kind: 'flag',
        help: 'kill the container first; no error where there is no such container',
      },
    ],
    examples: ['runt delete web', 'runt delete --force web'],
  }),
  update: () => ({
    name: 'update',
    summary: 'change the resource limits of a container',
    description: [
      'What is not named stays as it is. Where one of the changes is refused, those before it are taken back.',
      'Sizes are in bytes, or have a suffix: 50M is 52428800. -1 takes a limit away; 0 leaves it as it is.',
    ],
    positionals: [ID],
    options: UPDATE_OPTIONS,
    examples: ['runt update --memory 50M --pids-limit 100 web', 'runt update --resources - web < resources.json'],
  }),
  pause: () => ({
    name: 'pause',
    summary: 'suspend all processes of a container',
    description: [
      'Returns when they stand still. The status is then paused: the container can be resumed, killed with KILL, and deleted with --force.',
    ],
    positionals: [ID],
    options: [],
  }),
  resume: () => ({
    name: 'resume',
    summary: 'let the processes of a paused container go on',
    positionals: [ID],
    options: [],
  }),
  ps: () => ({
    name: 'ps',
    summary: 'list the processes of a container',
    description: [
      'The table is what ps(1) of the host prints, less the processes of others. All that follows the container-id goes to ps.',
    ],
    positionals: [ID],
    rest: {
      name: 'ps options',
      optional: true,
      help: 'options of ps(1) that give it a column PID; -ef where there are none',
    },
    options: [
      {
        name: 'format',
        short: 'f',
        kind: 'choice',
        choices: ['table', 'json'],
        default: 'table',
        help: 'how to print; json is a list of pids, as the host sees them',
      },
    ],
    examples: ['runt ps web', 'runt ps web -o user,pid,args', 'runt ps --format json web'],
  }),
  events: () => ({
    name: 'events',
    summary: 'print statistics and out-of-memory events of a container',
    description: [
      'A JSON document a line: statistics after each interval, an event when the kernel kills a process for want of memory. Ends with the container.',
    ],
    positionals: [ID],
    options: [
      {
        name: 'interval',
        kind: 'text',
        placeholder: 'DURATION',
        default: '5s',
        help: 'the time between statistics: 5s, 100ms, 1m30s',
      },
      { name: 'stats', kind: 'flag', help: 'print the statistics of now, and end' },
    ],
    examples: ['runt events --stats web', 'runt events --interval 1s web'],
  }),
  list: () => ({
    name: 'list',
    summary: 'list the containers under the --root directory',
    positionals: [],
    options: [
      {
        name: 'format',
        short: 'f',
        kind: 'choice',
        choices: ['table', 'json'],
        default: 'table',
        help: 'how to print',
      },
      { name: 'quiet', short: 'q', kind: 'flag', help: 'print only the ids' },
    ],
  }),
} satisfies SpecTable;
