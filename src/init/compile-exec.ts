// The compiler of exec: from a launcher on the host to the execve of a program in a container that is there. Pure.

import { createPlanBuilder } from './builder.ts';
import type { ExecInputs } from './inputs.ts';
import type { Plan } from './plan.ts';
import { executeGiven } from './steps/given-program.ts';
import { type ExecContext, enterContainer } from './steps/join.ts';
import { failureHandler } from './steps/launcher.ts';
import { executeProgram } from './steps/program.ts';

/** Throws RuntErrors (`unsupported`, `config`) for what can't be expressed. */
export function compileExec(inputs: ExecInputs): Plan {
  const plan = createPlanBuilder();
  const context: ExecContext = { plan, inputs, config: inputs.config, report: plan.slot('report') };
  enterContainer(context);
  if (inputs.takesArguments === true) executeGiven(context);
  else executeProgram(context);
  return plan.finish(failureHandler(context));
}
