// The command line, as far as the front takes it: `start`, `kill`, `state`, `delete` and `exec` with the options that container engines give them, those with a value in two
// words or with an equals sign, and `run`, whose options are its engine's. Anything else is for the engine.

import type { Label, Slot } from '../init/plan.ts';
import { STACK_SLOT } from '../init/plan.ts';
import { AT_FDCWD, O_APPEND, O_CLOEXEC, O_CREAT, O_WRONLY } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import { readExecWords } from './exec-line.ts';
import { SYSTEM_ROOT } from './names.ts';
import {
  type CommandLine,
  exit,
  expectBytes,
  expectString,
  type Front,
  ref,
  refuseVariable,
  set,
  zero,
} from './words.ts';

const STDOUT = 1;
const F_GETFD = 1;
/** PROC_USER_INIT_INO of <linux/proc_ns.h>. */
const INITIAL_USER_NAMESPACE = 0xeffffffd;

export const COMMAND = { start: 1, delete: 2, exec: 3, kill: 4, state: 5 } as const;
/** What a container's id may have, and not begin with (container/store.ts says why). */
const ID_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.';

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

export function checkId(front: Front, id: Slot): void {
  const { plan, engine } = front;
  const allowed = Buffer.alloc(256);
  for (const character of ID_CHARACTERS) allowed[character.charCodeAt(0)] = 1;
  const table = plan.constant(allowed, '{characters of an id}');
  const [at, character, known] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, done] = [plan.label(), plan.label()];
  plan.load(character, plan.at(id), 1);
  plan.branch(character, 'equal', 0, engine);
  plan.branch(character, 'equal', '.'.charCodeAt(0), engine);
  set(front, at, ref(front, id));
  plan.place(again);
  plan.load(character, plan.at(at), 1);
  plan.branch(character, 'equal', 0, done);
  set(front, known, table);
  plan.add(known, ref(front, character));
  plan.load(known, plan.at(known), 1);
  plan.branch(known, 'equal', 0, engine);
  plan.add(at, 1);
  plan.jump(again);
  plan.place(done);
  for (const slot of [at, character, known]) plan.free(slot);
}

/** Where the kernel would take a path for another than the engine, which cleans it as text (cli/root.ts), or that refuses it. */
function checkRoot(front: Front, root: Slot): void {
  const { plan, engine } = front;
  const [at, character, before, named] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [again, next, name, done] = [plan.label(), plan.label(), plan.label(), plan.label()];
  const [dot, slash] = ['.'.charCodeAt(0), '/'.charCodeAt(0)];
  set(front, at, ref(front, root));
  set(front, before, 0);
  set(front, named, 0);
  plan.place(again);
  plan.load(character, plan.at(at), 1);
  plan.branch(character, 'equal', 0, done);
  plan.branch(character, 'equal', slash, next);
  plan.branch(character, 'notEqual', dot, name);
  plan.branch(before, 'equal', dot, engine);
  plan.jump(next);
  plan.place(name);
  set(front, named, 1);
  plan.place(next);
  set(front, before, ref(front, character));
  plan.add(at, 1);
  plan.jump(again);
  plan.place(done);
  // It is the root of the host, or the working directory.
  plan.branch(named, 'equal', 0, engine);
  for (const slot of [at, character, before, named]) plan.free(slot);
}

/** Without --root it is the system's for root on the host; who else has which is the engine's matter (cli/root.ts). */
export function chooseRoot(front: Front, { root, envp }: CommandLine): void {
  const { plan, engine } = front;
  const [given, chosen] = [plan.label(), plan.label()];
  plan.branch(root, 'notEqual', 0, given);
  plan.withSlot((uid) => {
    plan.call('geteuid', [], { result: uid });
    plan.branch(uid, 'notEqual', 0, engine);
  });
  const [ofUser, ofSystem] = [plan.label(), plan.label()];
  refuseVariable(front, envp, 'XDG_RUNTIME_DIR=', ofUser);
  plan.jump(ofSystem);
  plan.place(ofUser);
  // A login has left it behind: root on the host does not heed it.
  const found = plan.variable(STATX.sizeOf, '{statx}');
  plan.call('statx', [AT_FDCWD, '/proc/self/ns/user', 0, plan.value(STATX_MASK.inode, 'STATX_INO'), found]);
  plan.withSlot((inode) => {
    plan.load(inode, plan.addressOf(found, STATX.inode));
    plan.branch(inode, 'notEqual', INITIAL_USER_NAMESPACE, engine);
  });
  plan.place(ofSystem);
  set(front, root, plan.string(SYSTEM_ROOT));
  plan.jump(chosen);
  plan.place(given);
  checkRoot(front, root);
  plan.place(chosen);
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
