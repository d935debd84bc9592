// Terminals and sockets as engines and people have them: a listener that is sent descriptors, a pseudo-terminal to run a command on.
// Synchronous; every wait is for an event, with a deadline that only keeps a broken runtime from hanging the tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { mustSyscall, syscall } from '../../src/linux/syscall.ts';
import { bindDatagram, bindStream, connectDatagram, receiveDescriptor } from '../../src/linux/unix-sockets.ts';
import { runtimePath } from './runtime.ts';

const DEADLINE = 20_000;
const POLLIN = 1;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TCGETS = 0x5401;
const O_RDWR_NOCTTY = 0o402;
const SOCK_CLOEXEC = 0o2000000;

/** True when the descriptor can be read (or is at its end). Throws past the deadline. */
export function waitForInput(fd: number, what: string): void {
  const polled = Buffer.alloc(8);
  polled.writeInt32LE(fd, 0);
  polled.writeInt16LE(POLLIN, 4);
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(DEADLINE / 1000), 0);
  if (mustSyscall({ message: `wait for ${what}` }, 'ppoll', polled, 1, time, null, 0) === 0)
    throw new Error(`waited ${DEADLINE} ms in vain for ${what}`);
}

export interface Receiver {
  readonly path: string;
  /** The descriptor that the next who connects sends, and the text with it. */
  descriptor(): number;
  close(): void;
}

/** A listening socket, as containerd's shim and conmon make one for --console-socket. */
export function listenForDescriptor(path: string): Receiver {
  const listener = bindStream({ message: `listen at ${path}` }, path);
  mustSyscall({ message: 'listen' }, 'listen', listener, 8);
  return {
    path,
    descriptor() {
      waitForInput(listener, `a connection to ${path}`);
      const connection = mustSyscall({ message: 'accept' }, 'accept4', listener, null, null, SOCK_CLOEXEC);
      try {
        waitForInput(connection, 'a descriptor');
        const fd = receiveDescriptor({ message: 'receive a descriptor' }, connection);
        if (fd === undefined) throw new Error('a message without a descriptor');
        return fd;
      } finally {
        closeSync(connection);
      }
    },
    close: () => closeSync(listener),
  };
}

/** A service manager's end of NOTIFY_SOCKET. */
export function listenForNotes(path: string): { next(): string; close(): void } {
  const fd = bindDatagram({ message: `listen at ${path}` }, path);
  const bytes = Buffer.alloc(4096);
  return {
    next() {
      waitForInput(fd, 'a notification');
      // Descriptors that come with it (BARRIER) are not taken, and so closed by the kernel.
      return bytes.toString('utf8', 0, mustSyscall({ message: 'receive' }, 'recvfrom', fd, bytes, 4096, 0, null, null));
    },
    close: () => closeSync(fd),
  };
}

/** Sends a message to a datagram socket. */
export function sendNote(path: string, text: string): void {
  const fd = connectDatagram({ message: `connect to ${path}` }, path);
  const bytes = Buffer.from(text);
  mustSyscall({ message: `send to ${path}` }, 'sendto', fd, bytes, bytes.length, 0, null, 0);
  closeSync(fd);
}

/** What the master of a terminal gives until the pattern is in it; EIO (nobody has the terminal open) is the end. */
export function readTerminal(master: number, pattern: RegExp | 'end'): string {
  const bytes = Buffer.alloc(65536);
  let text = '';
  for (;;) {
    if (pattern !== 'end' && pattern.test(text)) return text;
    waitForInput(master, `${pattern} from the terminal, which gave ${JSON.stringify(text.slice(-500))}`);
    let length = 0;
    try {
      length = readSync(master, bytes);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EIO') throw error;
    }
    if (length === 0) {
      if (pattern === 'end') return text;
      throw new Error(`the terminal ended, without ${pattern}: ${JSON.stringify(text)}`);
    }
    text += bytes.toString('latin1', 0, length);
  }
}

export interface PseudoTerminal {
  readonly master: number;
  readonly slave: number;
  resize(rows: number, columns: number): void;
  /** All attributes, to be compared. */
  attributes(): string;
  type(text: string): void;
  close(): void;
}

export function openPseudoTerminal(): PseudoTerminal {
  const master = openSync('/dev/ptmx', O_RDWR_NOCTTY);
  mustSyscall({ message: 'unlock the terminal' }, 'ioctl', master, TIOCSPTLCK, Buffer.alloc(4));
  const slave = mustSyscall({ message: "open the terminal's slave" }, 'ioctl', master, TIOCGPTPEER, O_RDWR_NOCTTY);
  return {
    master,
    slave,
    resize(rows, columns) {
      const size = Buffer.alloc(8);
      size.writeUInt16LE(rows, 0);
      size.writeUInt16LE(columns, 2);
      mustSyscall({ message: 'resize the terminal' }, 'ioctl', master, TIOCSWINSZ, size);
    },
    attributes() {
      const bytes = Buffer.alloc(36);
      mustSyscall({ message: "read the terminal's attributes" }, 'ioctl', slave, TCGETS, bytes);
      return bytes.toString('hex');
    },
    type: (text) => void writeSync(master, text),
    close() {
      for (const fd of [master, slave]) syscall('close', fd);
    },
  };
}

/** Rows and columns of a terminal. */
export function windowSize(fd: number): [number, number] {
  const size = Buffer.alloc(8);
  mustSyscall({ message: "read the terminal's size" }, 'ioctl', fd, TIOCGWINSZ, size);
  return [size.readUInt16LE(0), size.readUInt16LE(2)];
}

export interface StartOptions {
  readonly stdio: readonly (number | 'ignore')[];
  /** The session's controlling terminal is its standard input. */
  readonly controlling?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a shell script, in which "$RUNTIME" is the runtime, and does not wait for it. */
export function startScript(script: string, { stdio, controlling = false, env }: StartOptions): ChildProcess {
  const [file, ...args] = [...(controlling ? ['setsid', '--ctty'] : []), '/bin/sh', '-c', script];
  const child = spawn(file ?? '', args, {
    stdio: [...stdio],
    detached: !controlling,
    env: { ...(env ?? process.env), RUNTIME: runtimePath },
  });
  child.unref();
  return child;
}
