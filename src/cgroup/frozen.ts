// Whether a container is paused: its own cgroup has been told to freeze.

import { existsSync } from 'node:fs';
import { readControl } from './control-file.ts';
import type { CgroupRecord } from './record.ts';

/** v1's freezer where there is one, else the cgroup of v2. A cgroup that is gone freezes nobody. Throws `cgroup`. */
export function isFrozen({ cgroups }: CgroupRecord): boolean {
  const freezer = cgroups.find(({ controllers }) => `,${controllers},`.includes(',freezer,'));
  const file =
    freezer === undefined
      ? `${cgroups.find(({ version }) => version === 2)?.path}/cgroup.freeze`
      : `${freezer.path}/freezer.state`;
  if (!existsSync(file)) return false;
  const state = readControl(file);
  return freezer === undefined ? state.startsWith('1') : !state.startsWith('THAWED');
}
