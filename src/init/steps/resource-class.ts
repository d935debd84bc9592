// The class of resctrl (linux.intelRdt): entered by the launcher, whose children inherit it.

import type { PlanBuilder } from '../builder.ts';
import type { ProcessInputs } from '../inputs.ts';
import { descriptor } from './context.ts';

/** The monitoring group behind the class that it lies in: a process is in the class first. */
export function enterResourceClass(plan: PlanBuilder, { resourceClass }: ProcessInputs): void {
  if (resourceClass === undefined) return;
  for (const file of resourceClass) {
    plan.step({ sentence: `enter the resource class ${file.text}`, pointer: '/linux/intelRdt' }, () => {
      // 0 means the writer itself.
      plan.call('write', [descriptor(plan, file), '0', 1]);
    });
  }
}
