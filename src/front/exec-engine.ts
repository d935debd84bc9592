// An engine prepares an exec (exec-record.ts), when the front finds that it is not, or not any more.

import type { Label, Slot } from '../init/plan.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDWR } from '../linux/mount-constants.ts';
import { replaceName } from './engine.ts';
import { PREPARED, PREPARING, REPORT_FD } from './run-protocol.ts';
import { SIGCHLD } from './wait.ts';
import { type CommandLine, type Front, ref, set } from './words.ts';

export interface Preparing {
  /** Where to go for it; there the front goes on as it does at once, and gives up the second time. */
  readonly stale: Label;
  /** The engine's process, which may not have ended; 0: there is none. */
  readonly preparer: Slot;
}

/** Goes on at once. */
export function letEnginePrepare(front: Front, line: CommandLine): Preparing {
  const { plan, engine } = front;
  const [stale, parent, prepared] = [plan.label(), plan.label(), plan.label()];
  const tried = plan.slot();
  const [reader, writer, child] = [plan.slot(), plan.slot(), plan.slot()];
  set(front, tried, 0);
  set(front, child, 0);
  plan.jump(prepared);
  plan.step({ sentence: 'let an engine prepare it' }, () => {
    plan.place(stale);
    plan.branch(tried, 'notEqual', 0, engine);
    set(front, tried, 1);
    const pipe = plan.variable(8, '{pipe}');
    plan.call('pipe2', [pipe, O_CLOEXEC]);
    plan.load(reader, pipe, 4);
    plan.load(writer, plan.addressOf(pipe, 4), 4);
    plan.call('clone', [SIGCHLD, 0, 0, 0, 0], { result: child });
    plan.branch(child, 'notEqual', 0, parent);
    becomeEngine(front, line, writer);
    plan.place(parent);
    plan.call('close', [ref(front, writer)]);
    plan.withSlot((length) => {
      plan.call('read', [ref(front, reader), plan.variable(8, '{report}'), 8], { result: length });
      plan.call('close', [ref(front, reader)]);
      // While it ends the program begins.
      plan.branch(length, 'equal', PREPARED.length, prepared);
    });
    plan.call('wait4', [ref(front, child), 0, 0, 0]);
    plan.jump(engine);
  });
  plan.place(prepared);
  for (const slot of [reader, writer]) plan.free(slot);
  return { stale, preparer: child };
}

/** It says nothing, and holds nothing of the caller's that somebody might wait for the end of. Never the engine of the exec itself: that would be a second. */
function becomeEngine(front: Front, line: CommandLine, writer: Slot): void {
  const { plan } = front;
  const failed = plan.label();
  plan.withSlot((fd) => {
    const attempt = (from: Slot, to: number): void =>
      plan.withSlot((result) => {
        plan.call('dup3', [ref(front, from), to, 0], { result, ignoreErrors: true });
        plan.branch(result, 'less', 0, failed);
      });
    plan.call('openat', [AT_FDCWD, '/dev/null', O_RDWR | O_CLOEXEC], { result: fd, ignoreErrors: true });
    plan.branch(fd, 'less', 3, failed);
    for (const stream of [0, 1, 2]) attempt(fd, stream);
    attempt(writer, REPORT_FD);
  });
  plan.call('close_range', [3, REPORT_FD - 1, 0], { ignoreErrors: true });
  plan.call('close_range', [REPORT_FD + 1, plan.value(0xffffffff, '~0'), 0], { ignoreErrors: true });
  replaceName(front, line, PREPARING);
  plan.jump(front.engine);
  plan.place(failed);
  plan.call('exit_group', [1]);
}
