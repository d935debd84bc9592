// What is left of a container whose `run` was killed while it was being made.

import { readFileSync, rmSync } from 'node:fs';
import { RuntError } from '../error.ts';
import { isSameProcess, processStat } from '../linux/procfs.ts';
import type { Log } from '../log.ts';
import { deleteContainer } from './delete.ts';
import { statusOf } from './state.ts';
import { type ContainerRecord, readRecord } from './store.ts';

export interface Orphan {
  readonly root: string;
  readonly id: string;
  readonly pidFile?: string;
  readonly log: Log;
}

/**
 * To be called where the engine that was making it has ended, by a child of the front that had executed it. What another has under the same id is
 * not touched. Throws as `delete --force`.
 */
export async function removeOrphan({ root, id, pidFile, log }: Orphan): Promise<void> {
  const record = recordOf(root, id);
  if (record === undefined || !isOrphan(record)) return;
  if (pidFile !== undefined && holds(pidFile, record.init?.pid)) rmSync(pidFile, { force: true });
  await deleteContainer({ root, id, force: true, log });
}

/** A directory without a state is nobody's for sure: its create may just have begun. */
function recordOf(root: string, id: string): ContainerRecord | undefined {
  try {
    const record = readRecord(root, id);
    return record === 'unfinished' ? undefined : record;
  } catch (error) {
    if (error instanceof RuntError) return undefined;
    throw error;
  }
}

function isOrphan(record: ContainerRecord): boolean {
  const { creator, init, ready } = record;
  // Nobody goes on with it.
  if (!ready) return !isSameProcess(creator.pid, creator.startTime);
  // Its init was the engine's child, and is the front's now, as this process is.
  return statusOf(record) === 'created' && processStat(init?.pid ?? 0)?.parent === process.ppid;
}

function holds(file: string, pid: number | undefined): boolean {
  try {
    return readFileSync(file, 'utf8').trim() === String(pid);
  } catch {
    return false;
  }
}
