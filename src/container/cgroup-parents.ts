// Parents of cgroups that a container made, and that others have come to use: the last container removes them. An engine gives the containers
// of a pod one parent; it makes that itself in the hierarchies that it knows, but not in all that there are.

import { existsSync } from 'node:fs';
import type { CgroupEntry } from '../cgroup/record.ts';
import { removeUnused } from '../cgroup/remove.ts';
import { RuntError } from '../error.ts';
import { FRONT_FILE } from '../front/record.ts';
import { writeFrontRecord } from './front-record.ts';
import { lockState } from './state-lock.ts';
import { type ContainerRecord, directoryOf, listIds, readRecord, writeRecord } from './store.ts';

/** Gives the parents to a container that is below them. Where none is left under this root they stay, as somebody else's. Throws `state`. */
export function handOn(root: string, parents: readonly CgroupEntry[]): void {
  let left = parents;
  for (const id of listIds(root)) {
    if (left.length === 0) return;
    if (inheritance(readIfThere(root, id), left).length === 0) continue;
    const release = lockState(root, id);
    try {
      // Who waited for the lock may have waited for its end.
      const record = readIfThere(root, id);
      const inherited = inheritance(record, left);
      if (record === undefined || inherited.length === 0) continue;
      const cgroups = record.cgroups.cgroups.map((entry) => {
        const parent = inherited.find((candidate) => isBelow(entry, candidate));
        return parent === undefined ? entry : { ...entry, existing: parent.existing };
      });
      if (!tryWrite(root, { ...record, cgroups: { ...record.cgroups, cgroups } })) continue;
      left = left.filter((parent) => !inherited.includes(parent));
    } finally {
      release();
    }
  }
  // Those who used them may have been deleted while we waited for one after the other.
  removeUnused(left);
}

/** What the container could have of these. */
function inheritance(record: ContainerRecord | undefined, parents: readonly CgroupEntry[]): readonly CgroupEntry[] {
  return parents.filter((parent) => record?.cgroups.cgroups.some((entry) => isBelow(entry, parent)));
}

/** It stands below the parent, which it found there when it was made. */
function isBelow({ version, controllers, path, existing }: CgroupEntry, parent: CgroupEntry): boolean {
  return (
    version === parent.version &&
    controllers === parent.controllers &&
    path.startsWith(`${parent.path}/`) &&
    `${existing}/`.startsWith(`${parent.path}/`)
  );
}

/** A container that is being made writes its state itself. */
function readIfThere(root: string, id: string): ContainerRecord | undefined {
  try {
    const record = readRecord(root, id);
    return record === 'unfinished' || !record.ready ? undefined : record;
  } catch (error) {
    if (error instanceof RuntError) return undefined;
    throw error;
  }
}

/** False: it was deleted just now. */
function tryWrite(root: string, record: ContainerRecord): boolean {
  const hasFront = existsSync(`${directoryOf(root, record.id)}/${FRONT_FILE}`);
  try {
    writeRecord(root, record);
    if (hasFront) writeFrontRecord(root, record);
    return true;
  } catch (error) {
    if (!existsSync(directoryOf(root, record.id))) return false;
    throw error;
  }
}
