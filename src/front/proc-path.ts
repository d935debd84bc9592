// Paths below /proc of a process whose pid is known only when the plan runs.

import type { DataRef, Slot } from '../init/plan.ts';
import { type Front, ref, set, writeDecimal } from './words.ts';

/** Room for such a path. */
export const PROC_PATH_SIZE = 32;
const PROC = '/proc/';

/** `path`: PROC_PATH_SIZE bytes. `name`: at most 7 characters, with the slash. */
export function writeProcPath(front: Front, path: DataRef, pid: Slot, name: string): void {
  const { plan } = front;
  const [number, at] = [plan.slot(), plan.slot()];
  const bytes = Buffer.alloc(8);
  bytes.write(PROC);
  set(front, number, bytes.readBigInt64LE());
  plan.store(number, path);
  set(front, at, path);
  plan.add(at, PROC.length);
  set(front, number, ref(front, pid));
  writeDecimal(front, number, at);
  bytes.fill(0).write(name);
  set(front, number, bytes.readBigInt64LE());
  plan.store(number, plan.at(at));
  for (const slot of [number, at]) plan.free(slot);
}
