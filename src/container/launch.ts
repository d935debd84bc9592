// A plan is executed: what `create` and `exec` have in common.

import type { Plan } from '../init/plan.ts';
import { type SpawnedLauncher, spawnLauncher } from '../init/spawn.ts';
import { closeOnExec, makeInheritable } from '../linux/spawn.ts';
import type { Descriptors } from './descriptors.ts';
import { directoryOf } from './store.ts';
import { reopenNull } from './streams.ts';

export interface LaunchOptions {
  readonly root: string;
  readonly id: string;
  /** Descriptors of the caller's that are handed on, from 3. */
  readonly preserveFds: number;
}

/** Starts the launcher with the descriptors that it is to inherit; of these the runtime keeps none. Throws `system`. */
export function launch(
  { root, id, preserveFds }: LaunchOptions,
  plan: Plan,
  descriptors: Descriptors,
): SpawnedLauncher {
  reopenNull();
  // Node marks all descriptors that it inherits close-on-exec, 0 to 2 included.
  for (let fd = 0; fd < 3 + preserveFds; fd++) makeInheritable(fd);
  descriptors.release();
  const launcher = spawnLauncher(plan, directoryOf(root, id));
  descriptors.closeInherited();
  for (let fd = 3; fd < 3 + preserveFds; fd++) closeOnExec(fd);
  return launcher;
}
