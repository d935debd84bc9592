// The front of a bundle that an engine has run before (description.ts): it makes the container in the engine's place, hands it over to the front that has
// executed it, and ends (../run-protocol.ts). Where anything is not as it was, nothing is left of what it has made, and it executes the engine.

import { createPlanBuilder } from '../../init/builder.ts';
import type { Plan } from '../../init/plan.ts';
import { openLog, readCommandLine } from '../command-line.ts';
import { executeEngine } from '../engine.ts';
import { readRunWords } from '../run-line.ts';
import { checkId, chooseRoot } from '../state-root.ts';
import { keepSignals, restoreSignals, SIGNAL_SET } from '../wait.ts';
import { exit, type Front, set } from '../words.ts';
import { checkBundle } from './checks.ts';
import { type Bundle, FRONT_FD } from './description.ts';
import { makeContainer } from './make.ts';
import { handOver } from './report.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const SIGPIPE = 13;
const SIGXFSZ = 25;
const SIG_IGN = 1;

/** A front that is gone, a file that would be too long: errors of calls, not the end. Init gets the default ones back, as from an engine. */
function ignoreSignals({ plan }: Front): void {
  const ignored = Buffer.alloc(32);
  ignored.writeUInt32LE(SIG_IGN, 0);
  const action = plan.constant(ignored, '{SIG_IGN}');
  plan.step({ sentence: 'have errors instead of signals' }, () => {
    for (const signal of [SIGPIPE, SIGXFSZ]) plan.call('rt_sigaction', [signal, action, 0, SIGNAL_SET]);
  });
}

/** Pure. */
export function bundlePlan(bundle: Bundle): Plan {
  const plan = createPlanBuilder();
  const before: Front = { plan, engine: plan.label() };
  const after: Front = { plan, engine: plan.label() };
  const [begun, masked] = [plan.slot(), plan.slot()];
  const oldMask = plan.variable(SIGNAL_SET, '{mask}');
  plan.section('command line');
  const line = readCommandLine(before, (commandLine, next) => {
    plan.step({ sentence: 'keep the front for itself' }, () => plan.call('fcntl', [FRONT_FD, F_SETFD, FD_CLOEXEC]));
    const given = plan.step({ sentence: 'read the options of run' }, () => {
      const path = readRunWords(before, commandLine, next);
      checkId(before, commandLine.id);
      chooseRoot(before, commandLine);
      return path;
    });
    openLog(before, commandLine.log);
    plan.section('is it the same?');
    const tree = checkBundle(before, commandLine, given, bundle);
    plan.section('the container');
    // Who interrupts the job means the program by then; and nothing is left half made.
    keepSignals(before, oldMask);
    set(before, masked, 1);
    ignoreSignals(before);
    const making = { before, after, begun: () => set(after, begun, 1) };
    const made = makeContainer(making, commandLine, bundle, tree);
    handOver(after, commandLine, made.pid);
    exit(after, 0);
    plan.section('when it can not be made');
    plan.place(after.engine);
    made.undo();
    plan.jump(before.engine);
  });
  plan.jump(before.engine);
  plan.section('when a step fails');
  const failed = plan.label();
  plan.step({ sentence: 'take back what has been made' }, () => {
    plan.place(failed);
    plan.branch(begun, 'notEqual', 0, after.engine);
  });
  plan.section('engine');
  plan.step({ sentence: 'execute the engine' }, () => {
    plan.place(before.engine);
    const unmasked = plan.label();
    plan.branch(masked, 'equal', 0, unmasked);
    restoreSignals(before, oldMask);
    plan.place(unmasked);
    executeEngine(before, line, `/proc/self/fd/${FRONT_FD}`);
  });
  return plan.finish(failed);
}
