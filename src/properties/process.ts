// config.md: the process.

import type { Row } from './row.ts';

const PROCESS = 'conformance/process.test.ts';
const IDENTITY = 'src/init/steps/identity.ts';
const LABELS = 'src/init/steps/labels.ts';
const SCHEDULING = 'src/container/scheduling.ts';
const SCHEDULING_TEST = 'conformance/scheduling.test.ts';

export const PROCESS_ROWS: readonly Row[] = [
  {
    properties: ['/process'],
    honouredBy: 'src/init/steps/program.ts',
    test: [PROCESS, 'the program gets its arguments as they are written'],
  },
  {
    properties: ['/process/terminal'],
    honouredBy: 'src/container/terminal.ts',
    test: [
      'conformance/terminal.test.ts',
      'create sends the terminal to the console socket; its three streams are the terminal',
    ],
  },
  {
    properties: ['/process/consoleSize', '/process/consoleSize/{height,width}'],
    honouredBy: 'src/container/terminal.ts',
    test: ['conformance/terminal.test.ts', 'consoleSize is the size of the terminal from its start'],
  },
  {
    properties: ['/process/user', '/process/user/{uid,gid,additionalGids}'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'the program has the uid, gid and additional groups of user, and no others'],
  },
  {
    properties: ['/process/user/umask'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'umask is that of user'],
  },
  {
    properties: ['/process/user/username', '/process/commandLine'],
    ignoredBy: 'src/spec/semantics/process.ts',
    because: 'it is for Windows, which is a warning',
    test: ['integration/ignored.test.ts', '… is ignored, with a warning'],
  },
  {
    properties: ['/process/args'],
    honouredBy: 'src/init/steps/program.ts',
    test: [PROCESS, 'the program gets its arguments as they are written'],
  },
  {
    properties: ['/process/env'],
    honouredBy: 'src/init/environment.ts',
    test: [PROCESS, 'the environment is the configured one, and HOME'],
  },
  {
    properties: ['/process/cwd'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'the program starts in cwd'],
  },
  {
    properties: ['/process/capabilities', '/process/capabilities/{bounding,inheritable,permitted,ambient}'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'the five capability sets are what was asked for, bit for bit: …'],
  },
  {
    properties: ['/process/capabilities/effective'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'the effective set is what the process has when it executes the program'],
  },
  {
    properties: ['/process/rlimits', '/process/rlimits/*/{type,soft,hard}'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'rlimits are those of the config'],
  },
  {
    properties: ['/process/noNewPrivileges'],
    honouredBy: IDENTITY,
    test: [PROCESS, 'noNewPrivileges is set where asked for, and not otherwise'],
  },
  {
    properties: ['/process/oomScoreAdj'],
    honouredBy: 'src/init/steps/launcher.ts',
    test: [PROCESS, 'oomScoreAdj is set'],
  },
  {
    properties: ['/process/execCPUAffinity', '/process/execCPUAffinity/final'],
    honouredBy: 'src/init/steps/join.ts',
    test: ['conformance/exec.test.ts', 'execCPUAffinity.final says on which processors the program runs'],
  },
  {
    properties: ['/process/execCPUAffinity/initial'],
    honouredBy: 'src/init/steps/join.ts',
    test: ['conformance/exec.test.ts', 'execCPUAffinity.initial says it where there is no final one'],
  },
  {
    properties: ['/process/apparmorProfile'],
    honouredBy: LABELS,
    test: ['conformance/labels.test.ts', 'the program runs in its AppArmor profile, whose rules hold'],
  },
  {
    properties: ['/process/selinuxLabel'],
    honouredBy: LABELS,
    test: ['conformance/labels-selinux.test.ts', 'the program has its label, as has what exec adds'],
  },
  {
    properties: ['/process/scheduler', '/process/scheduler/{policy,nice}'],
    honouredBy: SCHEDULING,
    test: [
      SCHEDULING_TEST,
      'the program has the policy … and its nice value; so have its children, and what exec adds',
    ],
  },
  {
    properties: ['/process/scheduler/priority'],
    honouredBy: SCHEDULING,
    test: [SCHEDULING_TEST, 'the program has the real-time policy … with its priority, in a user namespace too'],
  },
  {
    properties: ['/process/scheduler/flags'],
    honouredBy: SCHEDULING,
    test: [SCHEDULING_TEST, 'a flag holds: with RESET_ON_FORK children do not inherit a nice value below 0'],
  },
  {
    properties: ['/process/scheduler/{runtime,deadline,period}'],
    honouredBy: SCHEDULING,
    test: [SCHEDULING_TEST, 'a deadline policy has its runtime, deadline and period'],
  },
  {
    properties: ['/process/ioPriority', '/process/ioPriority/{class,priority}'],
    honouredBy: SCHEDULING,
    test: [SCHEDULING_TEST, '… is the I/O class of the program, of its children and of what exec adds'],
  },
];
