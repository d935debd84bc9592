import { type RunOptions, runContainer } from '../../container/run.ts';
import { ORPHANED, RESUMED, SUPERVISED } from '../../front/run-protocol.ts';
import type { Invocation } from '../table.ts';
import { createOptions } from './create-options.ts';

/** The exit status is the container's, but where it is detached. */
export async function run(invocation: Invocation): Promise<number> {
  const { options } = invocation;
  return await runContainer({
    ...createOptions(invocation),
    detach: options.flag('detach'),
    keep: options.flag('keep'),
    noSubreaper: options.flag('no-subreaper'),
    role: roleOf(process.argv0),
  });
}

/** The front tells its engine by the program's name. */
function roleOf(name: string): NonNullable<RunOptions['role']> {
  if (name === SUPERVISED) return 'supervised';
  if (name === ORPHANED) return 'orphaned';
  return name === RESUMED ? 'resumed' : 'alone';
}
