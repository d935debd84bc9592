import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { packetPair, sendPacket } from './sockets.ts';
import { mustSyscall } from './syscall.ts';
import { rawAttributes } from './terminal.ts';
import {
  bindDatagram,
  bindStream,
  connectDatagram,
  connectStream,
  receiveDescriptor,
  sendDescriptor,
} from './unix-sockets.ts';

const doing = { message: 'test sockets' };

test('a descriptor arrives as another descriptor of the same file, close-on-exec', () => {
  const [ours, theirs] = packetPair();
  const file = openSync('/proc/self/status', 'r');
  sendDescriptor(doing, ours, 'a name', file);
  const received = receiveDescriptor(doing, theirs) ?? -1;
  assert.notEqual(received, file);
  assert.equal(fstatSync(received).ino, fstatSync(file).ino);
  assert.match(readFileSync(`/proc/self/fdinfo/${received}`, 'utf8'), /^flags:\s+02/m);
  for (const fd of [ours, theirs, file, received]) closeSync(fd);
});

test('a message without a descriptor brings none, nor does the end of the connection', () => {
  const [ours, theirs] = packetPair();
  sendPacket(ours, Buffer.from('only text'));
  assert.equal(receiveDescriptor(doing, theirs), undefined);
  closeSync(ours);
  assert.equal(receiveDescriptor(doing, theirs), undefined);
  closeSync(theirs);
});

test('sockets are reached by paths that are longer than their addresses, and by abstract names', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runt-sockets-'));
  const long = join(directory, 'd'.repeat(120));
  mkdirSync(long);
  const listener = bindStream(doing, join(long, 'socket'));
  mustSyscall(doing, 'listen', listener, 1);
  const manager = bindDatagram(doing, `@runt-test-${process.pid}`);
  const opened = [connectStream(doing, join(long, 'socket')), connectDatagram(doing, `@runt-test-${process.pid}`)];
  for (const fd of [listener, manager, ...opened]) closeSync(fd);
  assert.throws(() => connectStream(doing, join(long, 'socket')), /test sockets/);
  assert.throws(() => connectStream(doing, join(long, 'n'.repeat(100))), /test sockets/);
  rmSync(directory, { recursive: true });
});

test('raw attributes pass each byte of the input on, and still process the output', () => {
  // A usual terminal: ICRNL|IXON, OPOST|ONLCR, CS8|CREAD, ISIG|ICANON|ECHO|IEXTEN.
  const usual = Buffer.alloc(36);
  [0o2400, 0o5, 0o260, 0o100013].forEach((flags, index) => void usual.writeUInt32LE(flags, index * 4));
  const raw = rawAttributes(usual);
  assert.deepEqual(
    [0, 4, 8, 12].map((at) => raw.readUInt32LE(at)),
    [0, 0o5, 0o260, 0],
  );
  // VMIN 1, VTIME 0.
  assert.deepEqual([raw[17 + 6], raw[17 + 5]], [1, 0]);
});
