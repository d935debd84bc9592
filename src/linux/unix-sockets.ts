// Unix sockets with names, and descriptors sent over them (unix(7), SCM_RIGHTS).

import { fail } from '../error.ts';
import {
  CONTROL_SIZE,
  descriptorIn,
  ioVector,
  MSG_NOSIGNAL,
  messageHeader,
  rightsControl,
} from './descriptor-message.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from './mount-constants.ts';
import { addressOf, type Doing, mustSyscall, syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const EINTR = 4;
const ENAMETOOLONG = 36;
/** sizeof(sun_path); the name needs no NUL at its end (unix(7), "Pathname sockets"). */
const SUN_PATH_SIZE = 108;

/** Sends all of the text, and with its beginning the descriptor. Throws `system`. */
export function sendDescriptor(doing: Doing, socket: number, text: string, descriptor: number): void {
  const data = Buffer.from(text);
  const vector = ioVector(addressOf(data), data.length);
  const control = rightsControl(descriptor);
  const header = messageHeader(addressOf(vector), addressOf(control));
  let result = syscall('sendmsg', socket, header, MSG_NOSIGNAL);
  while (result === -EINTR) result = syscall('sendmsg', socket, header, MSG_NOSIGNAL);
  // `data`, `vector` and `control` are used behind their addresses until here.
  if (result < 0 || data.length + vector.length + control.length === 0)
    fail({ code: 'system', ...doing, syscall: 'sendmsg', errno: -result });
  // A stream may take a part.
  for (let sent = result; sent < data.length; ) {
    const rest = data.subarray(sent);
    sent += mustSyscall(doing, 'sendto', socket, rest, rest.length, MSG_NOSIGNAL, null, 0);
  }
}

/** The descriptor that the next message brings, close-on-exec; undefined: it brings none, or the connection is at its end. Throws `system`. */
export function receiveDescriptor(doing: Doing, socket: number): number | undefined {
  const data = Buffer.alloc(64);
  const vector = ioVector(addressOf(data), data.length);
  const control = Buffer.alloc(CONTROL_SIZE);
  const header = messageHeader(addressOf(vector), addressOf(control));
  let result = syscall('recvmsg', socket, header, MSG_CMSG_CLOEXEC);
  while (result === -EINTR) result = syscall('recvmsg', socket, header, MSG_CMSG_CLOEXEC);
  if (result < 0) fail({ code: 'system', ...doing, syscall: 'recvmsg', errno: -result });
  return data.length + vector.length === 0 ? undefined : descriptorIn(control);
}

/**
 * Calls `use` with the address of a socket's path: struct sockaddr_un. A path that is too long for it is reached through a descriptor
 * of its directory. A leading `@` is an abstract name. Throws `system`.
 */
function withAddress(doing: Doing, path: string, use: (address: Uint8Array) => number): number {
  if (path.startsWith('@')) return use(socketAddress(`\0${path.slice(1)}`));
  if (Buffer.byteLength(path) <= SUN_PATH_SIZE) return use(socketAddress(path));
  const slash = path.lastIndexOf('/');
  const directory = slash < 0 ? '.' : path.slice(0, slash + 1);
  const fd = mustSyscall(doing, 'openat', AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  try {
    const short = `/proc/self/fd/${fd}/${path.slice(slash + 1)}`;
    if (Buffer.byteLength(short) > SUN_PATH_SIZE) fail({ code: 'system', ...doing, errno: ENAMETOOLONG });
    return use(socketAddress(short));
  } finally {
    syscall('close', fd);
  }
}

function socketAddress(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  const address = Buffer.alloc(2 + bytes.length);
  address.writeUInt16LE(AF_UNIX, 0);
  address.set(bytes, 2);
  return address;
}

function connect(doing: Doing, type: number, path: string): number {
  const fd = mustSyscall(doing, 'socket', AF_UNIX, type | SOCK_CLOEXEC, 0);
  const result = withAddress(doing, path, (address) => syscall('connect', fd, address, address.length));
  if (result === 0) return fd;
  syscall('close', fd);
  return fail({ code: 'system', ...doing, syscall: 'connect', errno: -result });
}

/** A stream connected to the listening socket at `path`; close-on-exec. Throws `system`. */
export function connectStream(doing: Doing, path: string): number {
  return connect(doing, SOCK_STREAM, path);
}

/** A datagram socket that sends to the one at `path`; close-on-exec. Throws `system`. */
export function connectDatagram(doing: Doing, path: string): number {
  return connect(doing, SOCK_DGRAM, path);
}

function bind(doing: Doing, type: number, path: string): number {
  const fd = mustSyscall(doing, 'socket', AF_UNIX, type | SOCK_CLOEXEC, 0);
  const result = withAddress(doing, path, (address) => syscall('bind', fd, address, address.length));
  if (result === 0) return fd;
  syscall('close', fd);
  return fail({ code: 'system', ...doing, syscall: 'bind', errno: -result });
}

/** A datagram socket that receives what is sent to `path`, which must not exist; close-on-exec. Throws `system`. */
export function bindDatagram(doing: Doing, path: string): number {
  return bind(doing, SOCK_DGRAM, path);
}

/** A stream socket of that name, which does not listen yet. As `bindDatagram`. */
export function bindStream(doing: Doing, path: string): number {
  return bind(doing, SOCK_STREAM, path);
}
