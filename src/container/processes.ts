// The processes of a container, for `ps`.

import { processesIn } from '../cgroup/processes.ts';
import { type Named, requireRecord } from './state.ts';

/** Pids as the caller's pid namespace sees them, ascending, of all that are in the container's cgroups and below; none when it is stopped. Throws `cgroup`. */
export function containerProcesses(named: Named): readonly number[] {
  return processesIn(requireRecord(named).cgroups);
}
