// The program that a user calls `runt`: a plan like init's, for the same machine. It reads the command line. `start`, `kill`, `state` and `delete` of
// an ordinary container it carries out itself, in a fraction of the time that an engine takes to begin. Everything else, and whatever is not exactly
// as expected, it leaves to the engine, which it executes in its own place with the same arguments. So it never reports anything, and the
// engine copes with all that the front may have done before it gave up.

import { createPlanBuilder } from '../init/builder.ts';
import type { Plan, Slot } from '../init/plan.ts';
import { COMMAND, openLog, readCommandLine } from './command-line.ts';
import { openContainer } from './container.ts';
import { deleteQuickly } from './delete.ts';
import { executeEngine } from './engine.ts';
import { execQuickly } from './exec.ts';
import { holdInit } from './init-process.ts';
import { killQuickly } from './kill.ts';
import { declareSupervision, prepareTakeOver, runSupervised } from './run.ts';
import { startQuickly } from './start.ts';
import { showState } from './state.ts';
import { type CommandLine, exit, type Front } from './words.ts';

/** `version`: what --version prints; by default the engine does. Pure. */
export function frontPlan(version?: string): Plan {
  const plan = createPlanBuilder();
  const front: Front = { plan, engine: plan.label() };
  plan.section('command line');
  const supervision = declareSupervision(front);
  const runs = (commandLine: CommandLine, next: Slot): void => {
    plan.section('run');
    runSupervised(front, commandLine, next, supervision);
  };
  const line = readCommandLine(front, runs, version);
  plan.section('the container');
  openLog(front, line.log);
  const container = openContainer(front, line);
  const [start, exec, living, state] = [plan.label(), plan.label(), plan.label(), plan.label()];
  plan.branch(line.command, 'equal', COMMAND.start, start);
  plan.branch(line.command, 'equal', COMMAND.exec, exec);
  for (const command of [COMMAND.kill, COMMAND.state]) plan.branch(line.command, 'equal', command, living);
  plan.section('delete');
  deleteQuickly(front, line, container, () => exit(front, 0));
  plan.section('init');
  plan.place(living);
  const pidfd = plan.slot();
  plan.step({ sentence: 'hold init' }, () => holdInit(front, container, pidfd));
  plan.branch(line.command, 'equal', COMMAND.state, state);
  plan.section('kill');
  killQuickly(front, line, container, pidfd, () => exit(front, 0));
  plan.section('state');
  plan.place(state);
  showState(front, container, () => exit(front, 0));
  plan.free(pidfd);
  plan.section('exec');
  plan.place(exec);
  execQuickly(front, line, container, supervision);
  plan.section('start');
  plan.place(start);
  startQuickly(front, container, () => exit(front, 0));
  plan.section('engine');
  plan.step({ sentence: 'execute the engine' }, () => {
    plan.place(front.engine);
    prepareTakeOver(front, line, supervision);
    executeEngine(front, line, '/proc/self/exe');
  });
  return plan.finish(front.engine);
}
