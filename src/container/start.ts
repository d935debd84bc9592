// start (runtime.md, "Start"): tells the waiting init to become the user's program, and hears how that went.

import { fail } from '../error.ts';
import { decodeMessage, MESSAGE } from '../init/messages.ts';
import { ERRNO } from '../linux/errno.ts';
import { connectTo, receivePacket } from '../linux/sockets.ts';
import { syscall } from '../linux/syscall.ts';
import type { Log } from '../log.ts';
import { deleteContainer } from './delete.ts';
import { runHooks } from './hooks.ts';
import { hookProblem, stepProblem } from './problems.ts';
import { hookState, type Named, requireRecord, statusOf } from './state.ts';
import { type ContainerRecord, type StartStep, startSocketOf } from './store.ts';

/** Throws `status` (with no effect) unless the container is created; `exec` or `init` when the program can't be executed; `hook`. */
export async function startContainer({ root, id, log }: Named & { readonly log: Log }): Promise<void> {
  const record = requireRecord({ root, id });
  const status = statusOf(record);
  if (status !== 'created') {
    fail({
      code: 'status',
      message:
        status === 'running'
          ? `cannot start an already running container "${id}"`
          : `cannot start container "${id}": it is ${status}, not created`,
    });
  }
  await startCreated(root, record, log);
}

/** Starts a container that is known to be created. */
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
    runHooks({ kind: 'poststart', hooks: record.poststart, state, bundle: record.bundle });
  } catch (error) {
    // The specification: the container is stopped, and the life cycle goes on with its destruction (runtime.md, step 9).
    await deleteContainer({ root, id, force: true, log });
    throw error;
  }
}

function releaseInit(root: string, record: ContainerRecord): void {
  const connection = connectTo(startSocketOf(root, record.id));
  if (connection < 0) {
    const gone = connection === -ERRNO.ECONNREFUSED || connection === -ERRNO.ENOENT;
    fail({
      code: 'status',
      message: gone
        ? `cannot start container "${record.id}": another start was first, or it has just stopped`
        : `connect to the start socket of container "${record.id}"`,
      ...(gone ? {} : { syscall: 'connect', errno: -connection }),
    });
  }
  let executing = false;
  try {
    for (;;) {
      const packet = receivePacket(connection);
      if (typeof packet === 'number' || packet.length === 0) break;
      const message = decodeMessage(packet);
      if (message?.kind === 'failure') failAt(record, message.operation, message.errno);
      if (message?.kind === 'message' && message.type === MESSAGE.executing) executing = true;
      else if (message?.kind === 'message') failHook(record, connection, message.type, message.value);
    }
  } finally {
    syscall('close', connection);
  }
  if (executing) return;
  // Init closes its listening socket for the first start, and is the program a moment later: it lives, so it was not ours to start.
  const lives = statusOf(record) !== 'stopped';
  fail({
    code: lives ? 'status' : 'init',
    message: lives
      ? `cannot start container "${record.id}": another start was first`
      : `cannot start container "${record.id}": its init ended before the program was executed`,
    ...(lives ? {} : { hint: 'was it killed, did a memory limit hit it, or was another start first?' }),
  });
}

/** The failure record follows a hook's message: it names the hook. */
function failHook(record: ContainerRecord, connection: number, type: number, value: number): never {
  const packet = receivePacket(connection);
  const failure = typeof packet === 'number' ? undefined : decodeMessage(packet);
  const step = failure?.kind === 'failure' ? stepAt(record, failure.operation) : undefined;
  fail(hookProblem(type, value, step?.sentence ?? 'run a startContainer hook', step?.pointer));
}

function stepAt(record: ContainerRecord, operation: number): StartStep | undefined {
  return record.startSteps.find((step) => step.operation === operation);
}

function failAt(record: ContainerRecord, operation: number, errno: number): never {
  const step = stepAt(record, operation);
  fail(stepProblem(step ?? { operation, sentence: `operation ${operation} of init` }, errno));
}
