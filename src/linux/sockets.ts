// Unix sockets, synchronous: the pair between the runtime and init.

import { mustSyscall, syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const EINTR = 4;

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
