// Control groups of a caller who may not use all of them, or none (--rootless): the container goes on without, as in runc.

import { type CgroupHandles, closeHandles, createCgroups } from '../cgroup/create.ts';
import type { CgroupRecord } from '../cgroup/record.ts';
import { removeCgroups } from '../cgroup/remove.ts';
import { RuntError } from '../error.ts';
import { ERRNO } from '../linux/errno.ts';
import type { Log } from '../log.ts';

const NOT_ALLOWED: readonly number[] = [ERRNO.EACCES, ERRNO.EPERM, ERRNO.EROFS];

/**
 * As createCgroups, but a hierarchy where the caller may make nothing is left out. `pointer`: the config names a place, which it then gets or
 * is refused. Throws `cgroup`.
 */
export function createAllowedCgroups(record: CgroupRecord, pointer: string | undefined, log: Log): CgroupHandles {
  let handles: CgroupHandles = { tasks: [], unified: null, record: { cgroups: [] } };
  try {
    for (const entry of record.cgroups) {
      const made = tryCreate({ cgroups: [entry] }, pointer, log);
      if (made === undefined) continue;
      handles = {
        tasks: [...handles.tasks, ...made.tasks],
        unified: made.unified ?? handles.unified,
        record: { cgroups: [...handles.record.cgroups, ...made.record.cgroups] },
      };
    }
  } catch (error) {
    closeHandles(handles);
    removeCgroups(handles.record);
    throw error;
  }
  return handles;
}

function tryCreate(record: CgroupRecord, pointer: string | undefined, log: Log): CgroupHandles | undefined {
  try {
    return createCgroups(record, pointer);
  } catch (error) {
    const errno = error instanceof RuntError ? (error.problem.errno ?? 0) : 0;
    if (pointer !== undefined || !NOT_ALLOWED.includes(errno)) throw error;
    log.debug(`the container goes without a control group: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
