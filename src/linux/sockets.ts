// Unix sockets, synchronous: the pair between the runtime and init.

import { addressOf, mustSyscall, syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const ENAMETOOLONG = 36;
/** sizeof(sockaddr_un.sun_path), with the NUL. */
const LONGEST_PATH = 108;
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

/** A stream socket, close-on-exec, connected to the one at `path`, or -errno. */
export function connectUnix(path: string): number {
  const name = Buffer.from(path);
  if (name.length >= LONGEST_PATH) return -ENAMETOOLONG;
  const address = Buffer.alloc(2 + LONGEST_PATH);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const fd = syscall('socket', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  for (;;) {
    const result = syscall('connect', fd, address, 2 + name.length + 1);
    if (result >= 0) return fd;
    if (result === -EINTR) continue;
    syscall('close', fd);
    return result;
  }
}

/** Sends all the bytes, and with the first of them a descriptor (SCM_RIGHTS). 0 or -errno. */
export function sendWithDescriptor(socket: number, bytes: Uint8Array, fd: number): number {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(addressOf(bytes), 0);
  vector.writeBigUInt64LE(BigInt(bytes.length), 8);
  // struct cmsghdr { size_t len; int level; int type; } and the descriptor, padded to 8 bytes.
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  // struct msghdr { name, namelen, iov, iovlen, control, controllen, flags }
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(addressOf(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(addressOf(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  for (;;) {
    const result = syscall('sendmsg', socket, message, MSG_NOSIGNAL);
    if (result === -EINTR) continue;
    if (result < 0) return result;
    // Reachable until the kernel has read them.
    if (vector.length + control.length === 0) return 0;
    return result === bytes.length ? 0 : sendPacket(socket, bytes.subarray(result));
  }
}
