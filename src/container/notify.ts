// NOTIFY_SOCKET (sd_notify(3)): a service manager wants to hear that the container's program is up. The container gets a socket of its
// own in /run/notify; of what comes there only READY is passed on, with the pid that the service manager shall watch.

import { chmodSync, existsSync, mkdirSync, read, rmSync } from 'node:fs';
import { pidfdOpen } from '../linux/pidfd.ts';
import { syscall } from '../linux/syscall.ts';
import { bindDatagram, connectDatagram, sendDescriptor } from '../linux/unix-sockets.ts';
import type { Log } from '../log.ts';
import type { Mount } from '../spec/generated/types.ts';
import { directoryOf } from './store.ts';

const IN_CONTAINER = '/run/notify';
const NAME = 'notify.sock';
export const NOTIFY_VARIABLE = `NOTIFY_SOCKET=${IN_CONTAINER}/${NAME}`;

/** sd_notify(3): a message is a few lines; the largest that systemd reads. */
const MESSAGE_SIZE = 4096;
/** How long the service manager may take to read what it was sent (sd_notify_barrier(3)), in milliseconds. */
const PATIENCE = 30_000;
const O_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const SHUT_RD = 0;
const POLLIN = 1;

export function notifyDirectory(root: string, id: string): string {
  return `${directoryOf(root, id)}/notify`;
}

export function notifyMount(root: string, id: string): Mount {
  return {
    destination: IN_CONTAINER,
    source: notifyDirectory(root, id),
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  };
}

/** With the state, and gone with it. */
export function makeNotifyDirectory(root: string, id: string): void {
  const path = notifyDirectory(root, id);
  mkdirSync(path);
  // Whatever the umask: any user of the container may look in.
  chmodSync(path, 0o755);
}

/** Throws `system`. */
export function bindNotifySocket(root: string, id: string): number {
  const path = `${notifyDirectory(root, id)}/${NAME}`;
  // Of a start that was killed.
  rmSync(path, { force: true });
  const fd = bindDatagram({ message: `make the socket "${path}" for the container's NOTIFY_SOCKET` }, path);
  chmodSync(path, 0o777);
  return fd;
}

/** The line that says READY, if the message has one. */
export function readyLine(message: string): string | undefined {
  return message.split('\n').find((line) => line.startsWith('READY='));
}

/** Waits until the program says that it is ready, or has ended, and tells the service manager. For commands that return then. */
export function forwardReady(socket: number, pid: number, log: Log): void {
  const pidfd = pidfdOpen(pid);
  if (pidfd < 0) return;
  const message = Buffer.alloc(MESSAGE_SIZE);
  try {
    while (waitForEither(socket, pidfd)) {
      const length = syscall('recvfrom', socket, message, message.length, 0, null, null);
      const ready = length < 0 ? undefined : readyLine(message.toString('utf8', 0, length));
      if (ready === undefined) continue;
      tellManager(ready, pid, log, true);
      return;
    }
  } finally {
    syscall('close', pidfd);
  }
}

/** `start` with a NOTIFY_SOCKET: returns when the program is ready, or has ended. Where `create` had no such variable it is just a start. */
export async function startAndNotify(
  { root, id, pid, log }: { root: string; id: string; pid: number; log: Log },
  start: () => Promise<void>,
): Promise<void> {
  if (!existsSync(notifyDirectory(root, id))) return start();
  const socket = bindNotifySocket(root, id);
  await start();
  forwardReady(socket, pid, log);
}

/** True: a message is there. False: the process has ended. */
function waitForEither(socket: number, pidfd: number): boolean {
  const polled = Buffer.alloc(16);
  polled.writeInt32LE(socket, 0);
  polled.writeInt16LE(POLLIN, 4);
  polled.writeInt32LE(pidfd, 8);
  polled.writeInt16LE(POLLIN, 12);
  // Other results are interruptions.
  while (syscall('ppoll', polled, 2, null, null, 0) < 0);
  return polled.readInt16LE(6) !== 0;
}

/** As `forwardReady`, while the command goes on. Returns how to end it. */
export function forwardReadyMeanwhile(socket: number, pid: number, log: Log): () => void {
  const message = Buffer.alloc(MESSAGE_SIZE);
  let open = true;
  const next = (): void => {
    // Waits in a thread of the engine; read(2) takes a message of a datagram socket.
    read(socket, message, 0, message.length, null, (error, length) => {
      if (error !== null || !open) return;
      const ready = readyLine(message.toString('utf8', 0, length));
      if (ready === undefined) return next();
      tellManager(ready, pid, log, false);
    });
  };
  next();
  return () => {
    open = false;
    // The thread that waits is told that nothing more comes.
    syscall('shutdown', socket, SHUT_RD);
  };
}

/**
 * READY, the pid to watch, and, for a command that ends then, a barrier: when it returns the service manager has read them. Failures are
 * warnings.
 */
function tellManager(ready: string, pid: number, log: Log, barrier: boolean): void {
  const path = process.env['NOTIFY_SOCKET'] ?? '';
  const doing = { message: `tell the service manager at "${path}" that the container is ready` };
  try {
    const manager = connectDatagram(doing, path);
    for (const line of [ready, `MAINPID=${pid}`]) {
      const bytes = Buffer.from(`${line}\n`);
      syscall('sendto', manager, bytes, bytes.length, MSG_NOSIGNAL, null, 0);
    }
    const pipe = Buffer.alloc(8);
    if (barrier && syscall('pipe2', pipe, O_CLOEXEC) === 0) {
      const reader = pipe.readInt32LE(0);
      sendDescriptor(doing, manager, 'BARRIER=1', pipe.readInt32LE(4));
      syscall('close', pipe.readInt32LE(4));
      // The other end is closed when the manager has come to that message.
      if (!waitForHangUp(reader)) log.warning(`the service manager at "${path}" did not answer`);
      syscall('close', reader);
    }
    syscall('close', manager);
  } catch (error) {
    log.warning(error instanceof Error ? error.message : String(error));
  }
}

function waitForHangUp(fd: number): boolean {
  const polled = Buffer.alloc(8);
  polled.writeInt32LE(fd, 0);
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(PATIENCE / 1000), 0);
  return syscall('ppoll', polled, 1, timeout, null, 0) > 0;
}
