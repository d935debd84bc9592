// The program that a user calls `runt`: a plan like init's, for the same machine. It reads the command line. `start` and `delete` of an
// ordinary container it carries out itself, in a fraction of the time that an engine takes to begin. Everything else, and whatever is not exactly
// as expected, it leaves to the engine, which it executes in its own place with the same arguments. So it never reports anything, and the
// engine copes with all that the front may have done before it gave up.

import { createPlanBuilder } from '../init/builder.ts';
import type { Plan } from '../init/plan.ts';
import { AT_FDCWD } from '../linux/mount-constants.ts';
import { COMMAND, openLog, readCommandLine } from './command-line.ts';
import { openContainer } from './container.ts';
import { deleteQuickly } from './delete.ts';
import { setEngineEnvironment } from './environment.ts';
import { execQuickly } from './exec.ts';
import { declareSupervision, prepareTakeOver, runSupervised } from './run.ts';
import { startQuickly } from './start.ts';
import { type CommandLine, exit, type Front, ref, set } from './words.ts';

/** The engine's file, beside the front's own. */
export const ENGINE = 'runt-engine';
const LONGEST_PATH = 4096;
const STDERR = 2;

/** Pure. */
export function frontPlan(): Plan {
  const plan = createPlanBuilder();
  const front: Front = { plan, engine: plan.label() };
  plan.section('command line');
  const supervision = declareSupervision(front);
  const line = readCommandLine(front, (commandLine, next) => {
    plan.section('run');
    runSupervised(front, commandLine, next, supervision);
  });
  plan.section('the container');
  openLog(front, line.log);
  const container = openContainer(front, line);
  const [start, exec] = [plan.label(), plan.label()];
  plan.branch(line.command, 'equal', COMMAND.start, start);
  plan.branch(line.command, 'equal', COMMAND.exec, exec);
  plan.section('delete');
  deleteQuickly(front, line, container, () => exit(front, 0));
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
    setEngineEnvironment(front, line);
    executeEngine(front, line);
  });
  return plan.finish(front.engine);
}

/** Any failure leads here, so nothing here may fail in the machine's sense. */
function executeEngine(front: Front, { argv, envp }: CommandLine): void {
  const { plan } = front;
  const path = plan.variable(LONGEST_PATH + 32, '{path}');
  const [length, at, byte] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, found, failed] = [plan.label(), plan.label(), plan.label()];
  plan.call('readlinkat', [AT_FDCWD, '/proc/self/exe', path, LONGEST_PATH], { result: length, ignoreErrors: true });
  plan.branch(length, 'less', 1, failed);
  // An absolute path: there is a slash.
  set(front, at, path);
  plan.add(at, ref(front, length));
  plan.place(again);
  plan.add(at, -1);
  plan.load(byte, plan.at(at), 1);
  plan.branch(byte, 'equal', '/'.charCodeAt(0), found);
  plan.jump(again);
  plan.place(found);
  const name = Buffer.alloc((ENGINE.length + 8) & ~7);
  name.write(ENGINE);
  for (let offset = 0; offset < name.length; offset += 8) {
    set(front, byte, name.readBigInt64LE(offset));
    plan.store(byte, plan.at(at, 1 + offset));
  }
  plan.call('execve', [path, ref(front, argv), ref(front, envp)], { ignoreErrors: true });
  plan.place(failed);
  const message = `runt: ${ENGINE} can't be executed: it must lie in the same directory as this program, and /proc be mounted\n`;
  plan.call('write', [STDERR, message, Buffer.byteLength(message)], { ignoreErrors: true });
  exit(front, 1);
}
