// What `create` leaves for the front (src/front), which starts and deletes an ordinary container without the engine.

import { rmSync, writeFileSync } from 'node:fs';
import { ownDirectories } from '../cgroup/record.ts';
import { encodeFrontRecord, FLAG, FRONT_FILE } from '../front/record.ts';
import { type ContainerRecord, directoryOf } from './store.ts';

/** FLAG bits: what the front may do for the container. */
export function frontFlags({
  hasProcess,
  ownPidNamespace,
  poststart,
  poststop,
  scope,
  notifies,
  hookOutput,
  resourceClass,
}: ContainerRecord): bigint {
  // What a startContainer hook prints is to be had while init lives: the engine looks at it from the start on.
  const start = hasProcess && poststart.length === 0 && notifies !== true && hookOutput === undefined;
  const remove = ownPidNamespace && poststop.length === 0 && scope === undefined && resourceClass === undefined;
  return (start ? FLAG.start : 0n) | (remove ? FLAG.delete : 0n);
}

/**
 * To be written when the state is complete: who finds it takes the container for created. A front that does not find it, or finds a part
 * of it, leaves its work to the engine.
 */
export function writeFrontRecord(root: string, record: ContainerRecord): void {
  const { init, cgroups } = record;
  const flags = frontFlags(record);
  if (init === undefined || flags === 0n) return;
  const directories: { path: string; inode?: number }[] = [];
  for (const entry of cgroups.cgroups) {
    const [own, ...above] = ownDirectories(entry).toReversed();
    if (own === undefined) continue;
    if (entry.inode === undefined) return;
    directories.push({ path: own, inode: entry.inode });
    for (const path of above) directories.push({ path });
  }
  const bytes = encodeFrontRecord({ flags, pid: init.pid, image: init.image, directories });
  if (bytes !== undefined) writeFileSync(`${directoryOf(root, record.id)}/${FRONT_FILE}`, bytes, { mode: 0o600 });
}

/** From here on every command is the engine's. */
export function hideFromFront(root: string, id: string): void {
  rmSync(`${directoryOf(root, id)}/${FRONT_FILE}`, { force: true });
}
