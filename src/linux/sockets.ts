// Unix sockets, synchronous: the pair between the runtime and init, and the start socket.

import { fail } from '../error.ts';
import { mustSyscall, syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const EINTR = 4;
/** sizeof(sun_path). */
const PATH_MAX_UNIX = 108;

function unixAddress(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (bytes.length >= PATH_MAX_UNIX) {
    fail({
      code: 'state',
      message: `the socket path "${path}" is longer than ${PATH_MAX_UNIX - 1} bytes`,
      hint: 'use a shorter --root',
    });
  }
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}

/** Two connected ends, both close-on-exec, that keep the bounds of messages. */
export function packetPair(): readonly [number, number] {
  const pair = Buffer.alloc(8);
  mustSyscall(
    { message: 'make the socket pair between the runtime and init' },
    'socketpair',
    AF_UNIX,
    SOCK_SEQPACKET | SOCK_CLOEXEC,
    0,
    pair,
  );
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** A socket that listens at `path` (which must not exist); close-on-exec. */
export function listenAt(path: string): number {
  const doing = { code: 'state' as const, message: `listen on the socket "${path}"` };
  const fd = mustSyscall(doing, 'socket', AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const address = unixAddress(path);
  mustSyscall(doing, 'bind', fd, address, address.length);
  mustSyscall(doing, 'listen', fd, 1);
  return fd;
}

/** A descriptor connected to the socket at `path`, or -errno. */
export function connectTo(path: string): number {
  const fd = mustSyscall({ message: 'make a socket' }, 'socket', AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const address = unixAddress(path);
  const result = syscall('connect', fd, address, address.length);
  if (result === 0) return fd;
  syscall('close', fd);
  return result;
}

/** 0 or -errno. */
export function sendPacket(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const result = syscall('sendto', fd, bytes, bytes.length, MSG_NOSIGNAL, null, 0);
    if (result !== -EINTR) return result < 0 ? result : 0;
  }
}

/** The next message of at most 64 bytes; empty at the end of the connection; or -errno. */
export function receivePacket(fd: number): Buffer | number {
  const bytes = Buffer.alloc(64);
  for (;;) {
    const result = syscall('recvfrom', fd, bytes, bytes.length, 0, null, null);
    if (result !== -EINTR) return result < 0 ? result : bytes.subarray(0, result);
  }
}
