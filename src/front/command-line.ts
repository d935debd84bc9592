// The command line, as far as the front takes it: `start`, `kill`, `state`, `delete` and `exec` with the options that container engines give them, those with a value in two
// words or with an equals sign, and `run`, whose options are its engine's. Anything else is for the engine.

import type { Label, Slot } from '../init/plan.ts';
import { STACK_SLOT } from '../init/plan.ts';
import { AT_FDCWD, O_APPEND, O_CLOEXEC, O_CREAT, O_WRONLY } from '../linux/mount-constants.ts';
import { readExecWords } from './exec-line.ts';
import { checkId, chooseRoot } from './state-root.ts';
import { type CommandLine, exit, expectBytes, expectString, type Front, ref, set, zero } from './words.ts';

const STDOUT = 1;
const F_GETFD = 1;

export const COMMAND = { start: 1, delete: 2, exec: 3, kill: 4, state: 5 } as const;

/**
 * Goes on only with a complete command line. `run`: what follows where the command is that; its word is where `next` points to. `version`: what
 * --version alone prints; by default that is the engine's.
 */
export function readCommandLine(
  front: Front,
  run: (line: CommandLine, next: Slot) => void,
  version?: string,
): CommandLine {
  const { plan, engine } = front;
  const line: CommandLine = {
    argv: plan.slot(),
    envp: plan.slot(),
    root: plan.slot(),
    log: plan.slot(),
    id: plan.slot(),
    command: plan.slot(),
    force: plan.slot(),
    signal: plan.slot(),
    systemd: plan.slot(),
    program: plan.slot(),
    description: plan.slot(),
    pidFile: plan.slot(),
    detach: plan.slot(),
  };
  plan.step({ sentence: 'read the command line' }, () => {
    const { argv: _, envp: __, ...others } = line;
    for (const slot of Object.values(others)) plan.load(slot, zero(plan));
    findVectors(front, line);
    const next = plan.slot();
    set(front, next, ref(front, line.argv));
    const complete = plan.label();
    const [running, executing] = [plan.label(), plan.label()];
    readWords(front, line, next, { complete, running, executing }, version);
    plan.place(executing);
    readExecWords(front, line, next, complete);
    plan.place(running);
    run(line, next);
    plan.free(next);
    plan.place(complete);
    plan.branch(line.command, 'equal', 0, engine);
    plan.branch(line.id, 'equal', 0, engine);
    // Only delete has it.
    const unforced = plan.label();
    plan.branch(line.force, 'equal', 0, unforced);
    plan.branch(line.command, 'notEqual', COMMAND.delete, engine);
    plan.place(unforced);
    checkId(front, line.id);
    chooseRoot(front, line);
  });
  return line;
}

/** The stack of a new process: argc, argv, a null pointer, envp, a null pointer. */
function findVectors(front: Front, { argv, envp }: CommandLine): void {
  const { plan, engine } = front;
  set(front, argv, ref(front, STACK_SLOT));
  plan.add(argv, 8);
  plan.withSlot((count) => {
    plan.load(count, plan.at(STACK_SLOT));
    set(front, envp, ref(front, argv));
    for (let i = 0; i < 8; i++) plan.add(envp, ref(front, count));
    plan.add(envp, 8);
    // Commands have more words than their name.
    const enough = plan.label();
    plan.branch(count, 'greaterOrEqual', 3, enough);
    plan.branch(count, 'notEqual', 2, engine);
    plan.withSlot((word) => {
      plan.load(word, plan.at(argv, 8));
      for (const name of VERSION) {
        const other = plan.label();
        expectString(front, word, name, other);
        plan.jump(enough);
        plan.place(other);
      }
    });
    plan.jump(engine);
    plan.place(enough);
  });
}

const VERSION = ['--version', '-v'];

interface Places {
  /** There are no more words. */
  readonly complete: Label;
  /** The word is `run`, or `exec`. */
  readonly running: Label;
  readonly executing: Label;
}

function readWords(
  front: Front,
  line: CommandLine,
  next: Slot,
  { complete, running, executing }: Places,
  version: string | undefined,
): void {
  const { plan, engine } = front;
  const again = plan.label();
  const word = plan.slot();
  const takeNext = (): void => {
    plan.add(next, 8);
    plan.load(word, plan.at(next));
  };
  const option = (name: string, body: () => void): void => {
    const other = plan.label();
    expectString(front, word, name, other);
    body();
    plan.jump(again);
    plan.place(other);
  };
  /** The next word, or what follows an equals sign. */
  const valued = (name: string, body: () => void): void => {
    option(name, () => {
      takeNext();
      plan.branch(word, 'equal', 0, engine);
      body();
    });
    const other = plan.label();
    expectBytes(front, word, Buffer.from(`${name}=`), other);
    plan.add(word, name.length + 1);
    body();
    plan.jump(again);
    plan.place(other);
  };

  plan.place(again);
  takeNext();
  plan.branch(word, 'equal', 0, complete);
  plan.withSlot((first) => {
    const notOption = plan.label();
    plan.load(first, plan.at(word), 1);
    plan.branch(first, 'notEqual', '-'.charCodeAt(0), notOption);
    valued('--root', () => set(front, line.root, ref(front, word)));
    valued('--log', () => set(front, line.log, ref(front, word)));
    valued('--log-format', () => {
      const known = plan.label();
      const other = plan.label();
      expectString(front, word, 'json', other);
      plan.jump(known);
      plan.place(other);
      expectString(front, word, 'text', engine);
      plan.place(known);
    });
    // How control groups are made: of interest to nobody who finds them made.
    option('--systemd-cgroup', () => {
      plan.branch(line.command, 'notEqual', 0, engine);
      set(front, line.systemd, 1);
    });
    for (const name of VERSION) {
      if (version === undefined) continue;
      option(name, () => {
        for (const other of [line.command, line.log, line.force]) plan.branch(other, 'notEqual', 0, engine);
        takeNext();
        plan.branch(word, 'notEqual', 0, engine);
        plan.call('write', [STDOUT, version, Buffer.byteLength(version)]);
        exit(front, 0);
      });
    }
    for (const name of ['--force', '-f']) option(name, () => set(front, line.force, 1));
    plan.jump(engine);
    plan.place(notOption);
  });

  const id = plan.label();
  plan.branch(line.command, 'notEqual', 0, id);
  const [notRun, notExec] = [plan.label(), plan.label()];
  expectString(front, word, 'run', notRun);
  // Only delete has --force.
  plan.branch(line.force, 'notEqual', 0, engine);
  plan.branch(line.systemd, 'notEqual', 0, engine);
  plan.jump(running);
  plan.place(notRun);
  expectString(front, word, 'exec', notExec);
  plan.branch(line.force, 'notEqual', 0, engine);
  set(front, line.command, COMMAND.exec);
  plan.jump(executing);
  plan.place(notExec);
  option('start', () => set(front, line.command, COMMAND.start));
  option('delete', () => set(front, line.command, COMMAND.delete));
  option('kill', () => set(front, line.command, COMMAND.kill));
  option('state', () => {
    // Where the caller has closed it, the log would get its number.
    plan.call('fcntl', [STDOUT, F_GETFD, 0]);
    set(front, line.command, COMMAND.state);
  });
  plan.jump(engine);
  plan.place(id);
  const signal = plan.label();
  plan.branch(line.id, 'notEqual', 0, signal);
  set(front, line.id, ref(front, word));
  plan.jump(again);
  plan.place(signal);
  plan.branch(line.command, 'notEqual', COMMAND.kill, engine);
  plan.branch(line.signal, 'notEqual', 0, engine);
  set(front, line.signal, ref(front, word));
  plan.jump(again);
  plan.free(word);
}

/** As the engine does: a log file is there after the command, also if nothing is written to it. */
export function openLog(front: Front, log: Slot): void {
  const { plan } = front;
  const none = plan.label();
  plan.step({ sentence: 'open the log' }, () => {
    plan.branch(log, 'equal', 0, none);
    plan.call('openat', [AT_FDCWD, ref(front, log), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644]);
    plan.place(none);
  });
}
