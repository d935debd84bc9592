// A seccomp agent, run as a program of its own: `node seccomp-agent.js SOCKET OUTPUT`. It takes one listener, writes the container process
// state that came with it to OUTPUT, answers mkdir with ENOMEDIUM, and lets every other call go on. It ends with the container.

import { renameSync, writeFileSync } from 'node:fs';
import { addressOf, mustSyscall, syscall } from '../../src/linux/syscall.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const CONTINUE = 1;
const ENOMEDIUM = 123;
const ENOENT = 2;
const EINTR = 4;
const POLLIN = 1;
/** linux/seccomp.h: struct seccomp_notif has 80 bytes, its response 24. */
const NOTIF_RECV = 0xc0502100;
const NOTIF_SEND = 0xc0182101;
const MKDIR: readonly number[] = process.arch === 'arm64' ? [34] : [83, 258];

const [, , path = '', output = ''] = process.argv;

const address = Buffer.alloc(110);
address.writeUInt16LE(AF_UNIX, 0);
address.write(path, 2);
const doing = { message: 'listen for the runtime' };
const server = mustSyscall(doing, 'socket', AF_UNIX, SOCK_STREAM, 0);
mustSyscall(doing, 'bind', server, address, 2 + Buffer.byteLength(path) + 1);
mustSyscall(doing, 'listen', server, 1);
writeFileSync(`${output}.ready`, '');

const connection = mustSyscall({ message: 'accept' }, 'accept4', server, null, null, 0);
const data = Buffer.alloc(65536);
const vector = Buffer.alloc(16);
vector.writeBigUInt64LE(addressOf(data), 0);
vector.writeBigUInt64LE(BigInt(data.length), 8);
const control = Buffer.alloc(64);
const header = Buffer.alloc(56);
header.writeBigUInt64LE(addressOf(vector), 16);
header.writeBigUInt64LE(1n, 24);
header.writeBigUInt64LE(addressOf(control), 32);
header.writeBigUInt64LE(BigInt(control.length), 40);
const length = mustSyscall({ message: 'receive' }, 'recvmsg', connection, header, 0);
const received = { bytes: control.readBigUInt64LE(0), level: control.readInt32LE(8), type: control.readInt32LE(12) };
const listener = control.readInt32LE(16);
writeFileSync(
  `${output}.new`,
  JSON.stringify({
    received: `${received.bytes} ${received.level} ${received.type}`,
    state: JSON.parse(data.toString('utf8', 0, length)),
  }),
);
renameSync(`${output}.new`, output);

for (;;) {
  const poll = Buffer.alloc(8);
  poll.writeInt32LE(listener, 0);
  poll.writeInt16LE(POLLIN, 4);
  const ready = syscall('ppoll', poll, 1, null, null, 0);
  if (ready === -EINTR) continue;
  // No process has the filter any more.
  if ((poll.readInt16LE(6) & POLLIN) === 0) break;
  const notification = Buffer.alloc(80);
  const got = syscall('ioctl', listener, NOTIF_RECV, notification);
  if (got === -ENOENT || got === -EINTR) continue;
  if (got < 0) break;
  const response = Buffer.alloc(24);
  notification.copy(response, 0, 0, 8);
  if (MKDIR.includes(notification.readInt32LE(16))) response.writeInt32LE(-ENOMEDIUM, 16);
  else response.writeUInt32LE(CONTINUE, 20);
  syscall('ioctl', listener, NOTIF_SEND, response);
}
