// start (runtime.md, "Start"): tells the waiting init to become the user's program, and hears how that went.

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { fail, RuntError } from '../error.ts';
import { ANSWER_FILE } from '../front/record.ts';
import { decodeMessages, type InitMessage, MESSAGE } from '../init/messages.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { openFifoForReading } from '../linux/fifo-reader.ts';
import type { Log } from '../log.ts';
import { initProblem } from './problems.ts';
import { hookState, type Named, requireRecord, statusOf } from './state.ts';
import { type ContainerRecord, directoryOf, type StartStep, startFifos, takeOrder } from './store.ts';

/** Throws `status` (with no effect) unless the container is created; `exec` or `init` when the program can't be executed; `hook`. */
export async function startContainer({ root, id, log }: Named & { readonly log: Log }): Promise<void> {
  const record = requireRecord({ root, id });
  if (!mayBeStarted(root, record)) {
    const status = statusOf(record);
    fail({
      code: 'status',
      message:
        status === 'running'
          ? `cannot start an already running container "${id}"`
          : `cannot start container "${id}": it is ${status}, not created`,
      ...(status === 'paused' ? { hint: `resume it first` } : {}),
    });
  }
  const path = process.env['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return startCreated(root, record, log);
  const { startAndNotify } = await import('./notify.ts');
  await startAndNotify({ root, id, pid: record.init?.pid ?? 0, log }, () => startCreated(root, record, log));
}

/** It is created; or the front has given the order already, and left it for us to say what came of it. */
export function mayBeStarted(root: string, record: ContainerRecord): boolean {
  return statusOf(record) === 'created' || existsSync(answerFile(root, record.id));
}

/** Starts a container that may be started. */
export async function startCreated(root: string, record: ContainerRecord, log: Log): Promise<void> {
  const { id } = record;
  if (!record.hasProcess) {
    fail({ code: 'status', message: `cannot start container "${id}": its config has no process`, pointer: '/process' });
  }
  releaseInit(root, record);
  log.debug(`container "${id}" is running`);
  if (record.poststart.length === 0) return;
  try {
    const state = hookState(record, 'running', record.init?.pid ?? 0);
    const { runHooks } = await import('./hooks.ts');
    runHooks({ kind: 'poststart', hooks: record.poststart, state, bundle: record.bundle });
  } catch (error) {
    // The specification: the container is stopped, and the life cycle goes on with its destruction (runtime.md, step 9).
    const { deleteContainer } = await import('./delete.ts');
    await deleteContainer({ root, id, force: true, log });
    throw error;
  }
}

/** One byte to init, then its messages until it has executed the program, or has ended. */
function releaseInit(root: string, record: ContainerRecord): void {
  const { answer } = startFifos(root, record.id);
  const heard = answerFile(root, record.id);
  let taken: string | undefined;
  let reader: number;
  try {
    taken = takeOrder(root, record.id);
    if (taken === undefined)
      fail({ code: 'status', message: `cannot start container "${record.id}": another start was first` });
    reader = openFifoForReading(answer);
  } catch (error) {
    if (error instanceof RuntError) throw error;
    fail(
      {
        code: 'status',
        message: `cannot start container "${record.id}": it was just deleted`,
      },
      error,
    );
  }
  let messages: InitMessage[];
  let printed = '';
  const output = openHookOutput(record);
  try {
    if (existsSync(heard)) messages = decodeMessages(readFileSync(heard));
    else {
      giveOrder(taken);
      messages = decodeMessages(readToEnd(reader));
    }
    if (output !== undefined) printed = readEnd(output);
  } finally {
    closeSync(reader);
    if (output !== undefined) closeSync(output);
  }
  rmSync(heard, { force: true });
  // While it is there, a start that was killed has it; now there is nothing left to take over.
  rmSync(taken, { force: true });
  const first = messages.find((message) => message.kind === 'failure' || message.type !== MESSAGE.executing);
  const failure = messages.find((message) => message.kind === 'failure');
  if (failure?.kind === 'failure') {
    const hook = first?.kind === 'message' ? first : undefined;
    fail(initProblem(stepAt(record, failure.operation), failure.errno, hook, () => printed));
  }
  // Running without a word to us: a start that was killed had given the order.
  if (messages.length > 0) return;
  const status = statusOf(record);
  if (status === 'running' || status === 'paused') return;
  fail({
    code: 'init',
    message: `cannot start container "${record.id}": its init ended before the program was executed`,
    hint: 'was it killed, or did a memory limit hit it?',
  });
}

/** Opened before the hooks run, since init ends with the one that fails. undefined: there are none, or init has ended already. */
function openHookOutput({ hookOutput, init }: ContainerRecord): number | undefined {
  if (hookOutput === undefined || init === undefined) return undefined;
  try {
    return openSync(`/proc/${init.pid}/fd/${hookOutput}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // What the hook printed is then missing from the message.
    return undefined;
  }
}

/** At most 2000 bytes: whoever runs in the container may have printed any amount. */
function readEnd(file: number): string {
  const bytes = Buffer.alloc(2000);
  const length = readSync(file, bytes, 0, bytes.length, Math.max(0, fstatSync(file).size - bytes.length));
  return bytes.toString('utf8', 0, length);
}

function answerFile(root: string, id: string): string {
  return `${directoryOf(root, id)}/${ANSWER_FILE}`;
}

function giveOrder(fifo: string): void {
  let writer: number;
  try {
    writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // Nobody reads it any more: init has got the order from a start that was killed, or has ended. Its answer tells.
    if (errnoOf(error) === ERRNO.ENXIO) return;
    throw error;
  }
  writeSync(writer, '1');
  closeSync(writer);
}

function readToEnd(fd: number): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(256);
    const length = readSync(fd, part);
    if (length === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, length));
  }
}

function stepAt(record: ContainerRecord, operation: number): StartStep {
  const step = record.startSteps.find((candidate) => candidate.operation === operation);
  return step ?? { operation, sentence: `operation ${operation} of init` };
}
