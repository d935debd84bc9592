// run: create, start, wait, delete.

import { closeSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { DECLINED, EXIT_FILE, encodeReport, REPORT_FD } from '../front/run-protocol.ts';
import { callersStatus, decodeWaitStatus, type ExitStatus, waitForChild } from '../linux/spawn.ts';
import { becomeSubreaper, type ChildWatch, watchChildren } from '../linux/wait.ts';
import type { Log } from '../log.ts';
import type { Config } from '../spec/generated/types.ts';
import type { Attached } from './attach.ts';
import { type Created, type CreateOptions, createLoaded, loadForCreate } from './create.ts';
import { deleteContainer, destroy } from './delete.ts';
import { forwardSignals } from './forward-signals.ts';
import { isOfFront, plannedTraits, traitsOf } from './front-record.ts';
import { signalInit } from './kill.ts';
import { asksForExtras } from './parts.ts';
import { rememberBundle } from './remembered-bundles.ts';
import { mayBeStarted, startCreated } from './start.ts';
import { requireRecord } from './state.ts';
import { type ContainerRecord, directoryOf } from './store.ts';

export interface RunOptions extends CreateOptions {
  /** Return when the program runs. */
  readonly detach: boolean;
  /** Leave the stopped container for `delete`. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
  /** Whether a front waits to be handed the container, has left it to us, or lost it (front/run-protocol.ts); by default nothing of that. */
  readonly role?: 'alone' | 'supervised' | 'resumed' | 'orphaned';
}

const SIGKILL = 9;

/** Returns the exit status for the caller: the program's, or 128 + the signal that ended it; 0 when detached. */
export async function runContainer(options: RunOptions): Promise<number> {
  const { detach, noSubreaper, role } = options;
  if (role === 'orphaned') {
    await (await import('./orphan.ts')).removeOrphan(options);
    return 0;
  }
  if (role === 'resumed') return await goOn(options, { record: requireRecord(options) });
  const loaded = await loadForCreate(options);
  if (role === 'supervised' && !canHandOver(options, loaded.config)) {
    writeSync(REPORT_FD, DECLINED);
    return 0;
  }
  if (!detach && !noSubreaper) becomeSubreaper();
  const foreground = !detach && role !== 'supervised';
  let warned = false;
  const warning = (message: string): void => {
    warned = true;
    options.log.warning(message);
  };
  const log = role === 'supervised' ? { ...options.log, warning } : options.log;
  const run = detach ? 'detached' : 'foreground';
  const created = await createLoaded({ ...options, log, run, foreground }, loaded);
  if (role === 'supervised') {
    // What warns is to warn again.
    if (!warned && created.constructed !== undefined) await rememberBundle(created.constructed);
    if (await handOver(options, created.record)) return 0;
  }
  return await goOn(options, created);
}

/** Whether the front can do what is left of the container's life: told before there is one. */
function canHandOver(options: RunOptions, config: Config): boolean {
  const { detach, keep, noSubreaper, systemdCgroup } = options;
  if (detach || keep || noSubreaper || asksForExtras(options, config)) return false;
  return isOfFront(plannedTraits(config, { hasScope: systemdCgroup, notifies: false }));
}

/** False where the front can't go on with it, and now waits for our end. */
async function handOver({ root, id, log }: RunOptions, record: ContainerRecord): Promise<boolean> {
  const report = isOfFront(traitsOf(record)) ? encodeReport(record.init?.pid ?? 0, root, id) : undefined;
  if (report === undefined) {
    closeSync(REPORT_FD);
    return false;
  }
  try {
    writeSync(REPORT_FD, report);
    return true;
  } catch (error) {
    // Nobody waits for the container any more.
    await abandon(root, record, log);
    throw error;
  }
}

/** From the created container to its end; in the role `resumed`: from wherever the front has brought it to. */
async function goOn(options: RunOptions, created: Created): Promise<number> {
  const { root, id, log, detach, keep, role } = options;
  const { record, terminal, notify } = created;
  const pid = record.init?.pid ?? 0;
  if (detach) {
    await started(options, created);
    if (notify !== undefined) {
      const { forwardReady } = await import('./notify.ts');
      forwardReady(notify, pid, log);
    }
    return 0;
  }
  let status = role === 'resumed' ? reapedStatus(root, id) : undefined;
  const isOver = status !== undefined;
  const children = watchChildren();
  const ended = isOver ? undefined : children.ended(pid);
  let attached: Attached | undefined;
  const stopForwarding = passOn(record, terminal === undefined ? undefined : () => attached);
  try {
    if (terminal !== undefined) attached = await attach(options, terminal, children, record);
    if (!isOver && (role !== 'resumed' || mayBeStarted(root, record))) await started(options, created, attached);
    const stopNotifying = notify === undefined ? undefined : await forwardNotifications(notify, log);
    status ??= await ended;
    stopNotifying?.();
    // A program that was started there and has outlived init may still hold the terminal.
    if (!keep) await destroy(root, record, log);
  } finally {
    stopForwarding();
    await attached?.finish();
    children.stop();
  }
  if (status === undefined) return 255;
  return callersStatus(status);
}

/** What the front has learned of init's end before it had to give up. */
function reapedStatus(root: string, id: string): ExitStatus | undefined {
  const file = `${directoryOf(root, id)}/${EXIT_FILE}`;
  return existsSync(file) ? decodeWaitStatus(readFileSync(file).readInt32LE(0)) : undefined;
}

/** Also a failed start leaves nothing: nobody knows of this container but this command. */
async function started({ root, log }: RunOptions, { record }: Created, attached?: Attached): Promise<void> {
  try {
    await startCreated(root, record, log);
    attached?.readInput();
  } catch (error) {
    await abandon(root, record, log);
    throw error;
  }
}

async function abandon(root: string, record: ContainerRecord, log: Log): Promise<void> {
  signalInit(record, SIGKILL);
  waitForChild(record.init?.pid ?? 0);
  await deleteContainer({ root, id: record.id, force: true, log });
}

async function attach(
  { root, log }: RunOptions,
  terminal: number,
  children: ChildWatch,
  record: ContainerRecord,
): Promise<Attached> {
  const { attachTerminal } = await import('./attach.ts');
  try {
    return attachTerminal(terminal, children, directoryOf(root, record.id));
  } catch (error) {
    await abandon(root, record, log);
    throw error;
  }
}

/** The service manager is told of this process: it ends with the container. */
async function forwardNotifications(socket: number, log: Log): Promise<() => void> {
  const { forwardReadyMeanwhile } = await import('./notify.ts');
  return forwardReadyMeanwhile(socket, process.pid, log);
}

/** `attached`: of a container with a terminal. */
function passOn(record: ContainerRecord, attached?: () => Attached | undefined): () => void {
  return forwardSignals((signal, name) => {
    if (attached !== undefined) {
      // The container's own terminal tells its programs of a new size.
      if (name === 'SIGWINCH') {
        attached()?.resized();
        return;
      }
      if (name === 'SIGCONT') attached()?.continued();
    }
    signalInit(record, signal);
  }, attached !== undefined);
}
