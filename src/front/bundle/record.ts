// The front's record (../record.ts) of a container that is about to be made.

import type { DataRef, Slot } from '../../init/plan.ts';
import { STATX } from '../../linux/statx.ts';
import { PROC_PATH_SIZE, writeProcPath } from '../proc-path.ts';
import { ENTRY, encodeFrontRecord, entrySize, OFFSET } from '../record.ts';
import { writeStartTime } from '../start-time.ts';
import { type Front, set } from '../words.ts';
import { type Bundle, type BundleCgroup, ID_ROOM } from './description.ts';

/** The inode in the record of a control group that was not looked at yet. */
export const UNKNOWN = 1;

/** All but what is known only then; undefined where it would be too large. Pure. */
export function recordBytes({ flags, cgroups }: Bundle): Uint8Array | undefined {
  const directories = cgroups.map((group) => ({ path: withRoom(group), inode: UNKNOWN }));
  const freezing = cgroups.find(({ freezes }) => freezes);
  const freezer = freezing && { freezer: { path: withRoom(freezing), version: freezing.version } };
  const bytes = encodeFrontRecord({ flags, pid: 0, startTime: 0, image: '0:0', directories, ...freezer });
  if (bytes === undefined) return undefined;
  // The paths and the time, up to there, have room.
  bytes.fill(0, OFFSET.exe, OFFSET.freezer);
  let at: number = OFFSET.entries;
  for (const group of cgroups) {
    const end = at + ENTRY.path + Buffer.byteLength(group.path);
    if (group.endsWithId) bytes.fill(0, end, end + ID_ROOM);
    at += entrySize(withRoom(group));
  }
  return bytes;
}

/** The path, where it ends with the id with something as long as the longest in its place. */
export function withRoom({ path, endsWithId }: BundleCgroup): string {
  return endsWithId ? path + 'x'.repeat(ID_ROOM) : path;
}

/** `found`: a struct statx of init's image. */
export function recordImage({ plan }: Front, record: DataRef, found: DataRef): void {
  plan.withSlot((value) => {
    plan.load(value, plan.addressOf(found, STATX.inode));
    plan.store(value, plan.addressOf(record, OFFSET.inode));
    plan.load(value, plan.addressOf(found, STATX.fileSystem));
    plan.store(value, plan.addressOf(record, OFFSET.device));
  });
}

/** The process, and when it was started. */
export function recordPid(front: Front, record: DataRef, pid: Slot): void {
  const { plan } = front;
  const stat = plan.variable(PROC_PATH_SIZE, '"/proc/PID/stat"');
  plan.store(pid, plan.addressOf(record, OFFSET.pid));
  writeProcPath(front, plan.addressOf(record, OFFSET.exe), pid, '/exe');
  writeProcPath(front, stat, pid, '/stat');
  plan.withSlot((to) => {
    set(front, to, plan.addressOf(record, OFFSET.startTime));
    writeStartTime(front, stat, to);
  });
}
