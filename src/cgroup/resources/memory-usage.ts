// memory.checkBeforeUpdate (config-linux.md, "Memory"): v2 takes a limit below what is in use, and kills for it; so it is looked at before.

import { fail } from '../../error.ts';
import type { LinuxResources } from '../../spec/generated/types.ts';
import { readControl } from '../control-file.ts';
import { resourcePointer } from './write.ts';

/** `change` is what is to be written, `merged` says whether to check. Throws `cgroup` in runc's words. v1 refuses by itself. */
export function checkMemoryUsage(change: LinuxResources, merged: LinuxResources, directory: string): void {
  if (merged.memory?.checkBeforeUpdate !== true) return;
  const { limit = 0, swap = 0 } = change.memory ?? {};
  if (limit <= 0 && swap <= 0) return;
  const usage = Number(readControl(`${directory}/memory.current`).trim());
  const reject = (what: string, value: number, field: string): never =>
    fail({
      code: 'cgroup',
      message: `rejecting ${what} limit ${value} <= usage ${usage}`,
      pointer: resourcePointer('memory', field),
      hint: 'memory.checkBeforeUpdate is on',
    });
  if (swap > 0 && swap <= usage) reject('memory+swap', swap, 'swap');
  if (limit > 0 && limit <= usage) reject('memory', limit, 'limit');
}
