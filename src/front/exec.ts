// `exec`, as container/exec.ts does it, by the image that an engine has left (exec-record.ts). Until the launcher is cloned nothing has been done that
// the engine would have to know of. After that a launcher that has not executed the program is ended before the engine does it all again, and tells
// what is wrong.

import type { Slot } from '../init/plan.ts';
import type { Container } from './container.ts';
import { checkHost, readPrepared } from './exec-checks.ts';
import { endWith, hearOfProgram, type Program } from './exec-converse.ts';
import { readDescription, requireFile } from './exec-description.ts';
import { letEnginePrepare } from './exec-engine.ts';
import { becomeLauncher } from './exec-launcher.ts';
import { FIRST_NUMBER } from './exec-record.ts';
import { discardPidFile, preparePidFile, writePidFile } from './pid-file.ts';
import type { Supervision } from './run.ts';
import { makeSocketPair } from './socket-pair.ts';
import { exitWith, keepSignals, SIGCHLD, waitForEnd } from './wait.ts';
import { type CommandLine, exit, type Front, ref, refuseVariable, set } from './words.ts';

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
/** Microseconds that a message is waited for before other things are looked at. */
const PATIENCE = 200_000n;
/** The pid file, and what the launcher opens one by one. */
const MADE_LATER = 4;

export function execQuickly(
  front: Front,
  line: CommandLine,
  container: Container,
  { oldMask, masked }: Supervision,
): void {
  const { plan } = front;
  // Meant for the program by its pid (sd_listen_fds(3)), which the engine replaces.
  refuseVariable(front, line.envp, 'LISTEN_FDS=');
  requireFile(front, line);
  const { stale, preparer } = letEnginePrepare(front, line);
  const prepared = readPrepared(front, line, container, stale);
  checkHost(front, prepared, stale);
  readDescription(front, line, prepared, stale);
  const pair = makeSocket(front);
  const signals = keepSignals(front, oldMask);
  set(front, masked, 1);
  const pidFile = preparePidFile(front, line);
  const program: Program = { child: plan.slot(), pid: plan.slot(), ours: pair.ours, preparer, prepared, pidFile };
  cloneLauncher(front, line, program, pair.theirs);
  hearOfProgram(front, program);
  const { pid } = program;
  writePidFile(front, pidFile, pid, () =>
    endWith(front, program, 'the pid file could not be written: the program was ended\n'),
  );
  plan.step({ sentence: 'the program runs' }, () => {
    const stays = plan.label();
    plan.branch(line.detach, 'equal', 0, stays);
    exit(front, 0);
    plan.place(stays);
    // Not the caller's, which may be locks, or the ends of pipes.
    for (const fd of [container.root, container.directory, prepared.pidfd, prepared.memory, pair.ours])
      plan.call('close', [ref(front, fd)], { ignoreErrors: true });
  });
  const status = plan.variable(8, '{status}');
  waitForEnd(front, { signals, status, target: pid });
  exitWith(front, status);
}

function makeSocket(front: Front): { readonly ours: Slot; readonly theirs: Slot } {
  const { plan } = front;
  const [ours, theirs] = [plan.slot(), plan.slot()];
  plan.step({ sentence: 'make the socket to the launcher' }, () => {
    makeSocketPair(front, ours, theirs);
    // The launcher is to find its own there.
    plan.branch(theirs, 'greaterOrEqual', FIRST_NUMBER - MADE_LATER, front.engine);
    const time = Buffer.alloc(16);
    time.writeBigInt64LE(PATIENCE, 8);
    plan.call('setsockopt', [ref(front, ours), SOL_SOCKET, SO_RCVTIMEO, plan.constant(time, '{200 ms}'), 16]);
  });
  return { ours, theirs };
}

function cloneLauncher(front: Front, line: CommandLine, { child, prepared, pidFile }: Program, theirs: Slot): void {
  const { plan } = front;
  const [parent, notCloned] = [plan.label(), plan.label()];
  plan.step({ sentence: 'clone the launcher' }, () => {
    plan.call('clone', [SIGCHLD, 0, 0, 0, 0], { result: child, ignoreErrors: true });
    plan.branch(child, 'less', 0, notCloned);
    plan.branch(child, 'notEqual', 0, parent);
    becomeLauncher(front, line, prepared, theirs);
    plan.place(notCloned);
    discardPidFile(front, pidFile);
    plan.jump(front.engine);
    plan.place(parent);
    plan.call('close', [ref(front, theirs)], { ignoreErrors: true });
  });
}
