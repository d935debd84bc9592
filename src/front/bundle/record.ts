// The front's record (../record.ts) of a container that is about to be made.

import type { DataRef, Slot } from '../../init/plan.ts';
import { STATX } from '../../linux/statx.ts';
import { ENTRY, encodeFrontRecord, OFFSET } from '../record.ts';
import { type Front, ref, set, writeDecimal } from '../words.ts';
import { UNKNOWN } from './cgroups.ts';
import { type Bundle, ID_ROOM } from './description.ts';

/** All but what is known only then; undefined where it would be too large. Pure. */
export function recordBytes({ flags, cgroups }: Bundle): Uint8Array | undefined {
  const directories = cgroups.map(({ path, endsWithId }) => ({
    path: endsWithId ? path + 'x'.repeat(ID_ROOM) : path,
    inode: UNKNOWN,
  }));
  const bytes = encodeFrontRecord({ flags, pid: 0, image: '0:0', directories });
  if (bytes === undefined) return undefined;
  bytes.fill(0, OFFSET.exe, OFFSET.exe + EXECUTED);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at: number = OFFSET.entries;
  for (const { path, endsWithId } of cgroups) {
    const end = at + ENTRY.path + Buffer.byteLength(path);
    if (endsWithId) bytes.fill(0, end, end + ID_ROOM);
    at += view.readUInt32LE(at + ENTRY.size);
  }
  return bytes;
}

const EXECUTED = 32;
const PROC = '/proc/';

/** `found`: a struct statx of init's image. */
export function recordImage({ plan }: Front, record: DataRef, found: DataRef): void {
  plan.withSlot((value) => {
    plan.load(value, plan.addressOf(found, STATX.inode));
    plan.store(value, plan.addressOf(record, OFFSET.inode));
    plan.load(value, plan.addressOf(found, STATX.fileSystem));
    plan.store(value, plan.addressOf(record, OFFSET.device));
  });
}

/** And "/proc/PID/stat", at the address that is returned. */
export function recordPid(front: Front, record: DataRef, pid: Slot): DataRef {
  const { plan } = front;
  const stat = plan.variable(EXECUTED, '"/proc/PID/stat"');
  plan.store(pid, plan.addressOf(record, OFFSET.pid));
  for (const [path, name] of [
    [plan.addressOf(record, OFFSET.exe), '/exe'],
    [stat, '/stat'],
  ] as const) {
    const [to, value] = [plan.slot(), plan.slot()];
    const text = (part: string): void => {
      for (const character of part) {
        set(front, value, character.charCodeAt(0));
        plan.store(value, plan.at(to), 1);
        plan.add(to, 1);
      }
    };
    set(front, to, path);
    text(PROC);
    set(front, value, ref(front, pid));
    writeDecimal(front, value, to);
    text(name);
    for (const slot of [to, value]) plan.free(slot);
  }
  return stat;
}
