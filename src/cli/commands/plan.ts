import { resolve } from 'node:path';
import { planContainer } from '../../container/plan.ts';
import { explainPlan, planToJson } from '../../init/explain.ts';
import { withErrorsAsJson } from '../json-errors.ts';
import { print } from '../output.ts';
import type { Invocation } from '../table.ts';

/** Prints what would be executed. Nothing is opened for writing, nothing is run. */
export async function plan({ options, globals, log }: Invocation): Promise<number> {
  const asJson = options.text('format') === 'json';
  const bundle = resolve(options.text('bundle') || '.');
  const planned = await withErrorsAsJson(asJson, () =>
    planContainer({ bundle, systemdCgroup: globals.flag('systemd-cgroup'), log }),
  );
  print(asJson ? `${JSON.stringify(planToJson(planned), null, 2)}\n` : explainPlan(planned));
  return 0;
}
