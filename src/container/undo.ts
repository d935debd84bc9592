// A create that failed leaves nothing.

import { rmSync } from 'node:fs';
import { waitForChild } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import type { Log } from '../log.ts';
import { destroy } from './delete.ts';
import type { MovedDevices } from './network-devices.ts';
import { type ContainerRecord, removeRecord } from './store.ts';

const SIGKILL = 9;

/** How far a create has come, for undoing it. */
export interface Progress {
  reserved?: true;
  record?: ContainerRecord;
  launcher?: number;
  init?: number;
  hooksRun: boolean;
  pidFile?: string;
  /** Of the host's, that the container has. */
  devices?: MovedDevices | undefined;
}

/** What is left of a create that failed goes. */
export async function undo(
  { root, id, log }: { readonly root: string; readonly id: string; readonly log: Log },
  progress: Progress,
): Promise<void> {
  // Before their namespace ends: the kernel would remove those that are not physical.
  progress.devices?.restore(log);
  for (const pid of [progress.launcher, progress.init]) {
    if (pid === undefined) continue;
    // Our child, not reaped yet: the pid is still its own.
    syscall('kill', pid, SIGKILL);
    waitForChild(pid);
  }
  if (progress.pidFile !== undefined) rmSync(progress.pidFile, { force: true });
  if (progress.record === undefined) return removeRecord(root, id);
  try {
    // Hooks that undo what others did are called if those were.
    await destroy(root, progress.hooksRun ? progress.record : { ...progress.record, poststop: [] }, log);
  } catch (error) {
    log.warning(`remove what is left of container "${id}": ${error instanceof Error ? error.message : String(error)}`);
  }
}
