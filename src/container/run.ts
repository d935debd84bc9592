// run: create, start, wait, delete.

import { closeSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { FLAG } from '../front/record.ts';
import { EXIT_FILE, encodeReport, FORWARDED_SIGNALS, REPORT_FD } from '../front/run-protocol.ts';
import { decodeWaitStatus, type ExitStatus, waitForChild } from '../linux/spawn.ts';
import { becomeSubreaper, waitForChildAsync } from '../linux/wait.ts';
import { type CreateOptions, createContainer } from './create.ts';
import { deleteContainer, destroy } from './delete.ts';
import { frontFlags } from './front-record.ts';
import { signalInit } from './kill.ts';
import { mayBeStarted, startCreated } from './start.ts';
import { requireRecord } from './state.ts';
import { type ContainerRecord, directoryOf } from './store.ts';

export interface RunOptions extends CreateOptions {
  /** Return when the program runs. */
  readonly detach: boolean;
  /** Leave the stopped container for `delete`. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
  /** Whether a front waits to be handed the container, or has left it to us (front/run-protocol.ts); by default neither. */
  readonly role?: 'alone' | 'supervised' | 'resumed';
}

const SIGKILL = 9;

/** Returns the exit status for the caller: the program's, or 128 + the signal that ended it; 0 when detached. */
export async function runContainer(options: RunOptions): Promise<number> {
  const { detach, noSubreaper, role } = options;
  if (role === 'resumed') return await goOn(options, requireRecord(options), true);
  if (!detach && !noSubreaper) becomeSubreaper();
  const record = await createContainer({ ...options, foreground: !detach && role !== 'supervised' });
  if (role === 'supervised' && (await handOver(options, record))) return 0;
  return await goOn(options, record, false);
}

/** False where the front can't go on with it, and now waits for our end. */
async function handOver(options: RunOptions, record: ContainerRecord): Promise<boolean> {
  const { root, id, detach, keep, noSubreaper } = options;
  const plain = frontFlags(record) === (FLAG.start | FLAG.delete) && !detach && !keep && !noSubreaper;
  const report = plain ? encodeReport(record.init?.pid ?? 0, root, id) : undefined;
  if (report === undefined) {
    closeSync(REPORT_FD);
    return false;
  }
  try {
    writeSync(REPORT_FD, report);
    return true;
  } catch (error) {
    // Nobody waits for the container any more.
    await abandon(options, record);
    throw error;
  }
}

/** From the created container to its end; `resumed`: from wherever the front has brought it to. */
async function goOn(options: RunOptions, record: ContainerRecord, resumed: boolean): Promise<number> {
  const { root, id, log, detach, keep } = options;
  const pid = record.init?.pid ?? 0;
  const stopForwarding = detach ? undefined : forwardSignals(record);
  try {
    let status = resumed ? reapedStatus(root, id) : undefined;
    if (status === undefined) {
      if (!resumed || mayBeStarted(root, record)) await startCreated(root, record, log);
      if (detach) return 0;
      status = await waitForChildAsync(pid);
    }
    stopForwarding?.();
    if (!keep) await destroy(root, record, log);
    if (status === undefined) return 255;
    return 'exited' in status ? status.exited : 128 + status.signal;
  } catch (error) {
    stopForwarding?.();
    await abandon(options, record);
    throw error;
  }
}

/** Also a failed start leaves nothing: nobody knows of this container but this command. */
async function abandon({ root, id, log }: RunOptions, record: ContainerRecord): Promise<void> {
  signalInit(record, SIGKILL);
  waitForChild(record.init?.pid ?? 0);
  await deleteContainer({ root, id, force: true, log });
}

/** What the front has learned of init's end before it had to give up. */
function reapedStatus(root: string, id: string): ExitStatus | undefined {
  const file = `${directoryOf(root, id)}/${EXIT_FILE}`;
  return existsSync(file) ? decodeWaitStatus(readFileSync(file).readInt32LE(0)) : undefined;
}

function forwardSignals(record: ContainerRecord): () => void {
  const forward = (_name: string, signal: number): void => void signalInit(record, signal);
  const names = Object.keys(FORWARDED_SIGNALS) as (keyof typeof FORWARDED_SIGNALS)[];
  for (const name of names) process.on(name, forward);
  return () => {
    for (const name of names) process.off(name, forward);
  };
}
