// The steps of a plan that can still fail when `create` is over: state.json keeps what `start` says of them.

import type { CallOperation, FailOperation, Plan } from '../init/plan.ts';
import { WAIT_FOR_START } from '../init/steps/program.ts';
import type { StartStep } from './store.ts';

/** The step of an operation, as it is told to people. */
export function startStep(plan: Plan, index: number): StartStep {
  const operation = plan.operations[index];
  if (operation?.kind !== 'call' && operation?.kind !== 'fail')
    return { operation: index, sentence: `operation ${index} of init` };
  return toStep(operation, index);
}

function toStep(operation: CallOperation | FailOperation, index: number): StartStep {
  const { sentence, pointer, hint } = operation.step;
  return {
    operation: index,
    sentence,
    ...(operation.kind === 'call' ? { syscall: operation.name } : {}),
    ...(pointer === undefined ? {} : { pointer }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** From the step that waits for `start` to the end of the plan. */
export function startSteps(plan: Plan): StartStep[] {
  const first = plan.operations.findIndex(
    (operation) => operation.kind === 'call' && operation.step.sentence === WAIT_FOR_START,
  );
  return plan.operations.flatMap((operation, index) =>
    index >= first && (operation.kind === 'fail' || (operation.kind === 'call' && operation.ignoreErrors !== true))
      ? [toStep(operation, index)]
      : [],
  );
}
