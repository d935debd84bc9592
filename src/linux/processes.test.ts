// Processes, descriptors and system calls, with real ones.

import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { ERRNO } from './errno.ts';
import { makeFifo } from './fifo.ts';
import { openFifoForReading } from './fifo-reader.ts';
import { executableInMemory, memoryFile, writeAll } from './memfd.ts';
import { pidfdOpen, pidfdSendSignal, waitForEnd } from './pidfd.ts';
import { innermostPid, isSameProcess, processStat } from './procfs.ts';
import { packetPair, receivePacket, sendPacket } from './sockets.ts';
import { spawn, waitForChild } from './spawn.ts';
import { mustSyscall, syscall } from './syscall.ts';
import { watchChildren } from './wait.ts';

test('a system call returns its result, or the negative errno', () => {
  assert.equal(syscall('getpid'), process.pid);
  assert.equal(syscall('openat', -100, '/no/such/file', 0), -ERRNO.ENOENT);
  assert.throws(
    () => mustSyscall({ message: 'open it', pointer: '/a' }, 'openat', -100, '/no/such/file', 0),
    (error) =>
      error instanceof RuntError &&
      error.problem.errno === ERRNO.ENOENT &&
      error.problem.syscall === 'openat' &&
      error.problem.pointer === '/a',
  );
});

test('a string with a NUL never reaches the kernel', () => {
  assert.throws(() => syscall('openat', -100, '/etc\0/passwd', 0), RuntError);
});

test('a program is executed from a sealed memory file, which nobody can write to', () => {
  const fd = executableInMemory('test', readFileSync('/bin/true'), tmpdir());
  const byte = Buffer.from('x');
  assert.equal(syscall('write', fd, byte, 1), -ERRNO.EPERM);
  assert.equal(syscall('ftruncate', fd, 0), -ERRNO.EPERM);
  const pid = spawn({ path: `/proc/self/fd/${fd}`, args: ['true'], env: [] });
  assert.deepEqual(waitForChild(pid), { exited: 0 });
  closeSync(fd);
});

test('a program is spawned with its directory, its streams, its environment and nothing else', () => {
  const output = memoryFile('output');
  const input = memoryFile('input');
  writeAll(input, Buffer.from('from the input\n'), 'write');
  syscall('lseek', input, 0, 0);
  const script = 'cat; pwd; env; ls -l /proc/self/fd; ps -o sid= -p $$';
  const pid = spawn({
    path: '/bin/sh',
    args: ['sh', '-c', script],
    env: ['ONLY=this'],
    cwd: '/usr',
    stdio: [input, output, output],
    session: true,
  });
  assert.deepEqual(waitForChild(pid), { exited: 0 });
  const text = readFileSync(`/proc/self/fd/${output}`, 'utf8');
  assert.match(text, /^from the input\n\/usr\n/);
  assert.match(text, /^ONLY=this$/m);
  // Its streams, and the directory that ls reads.
  assert.deepEqual(
    [...text.matchAll(/ (\d+) -> /g)].map(([, fd]) => fd),
    ['0', '1', '2', '3'],
  );
  closeSync(output);
  closeSync(input);
});

test('a program that is not there is an errno, and a signal that ends one is told', async () => {
  assert.equal(spawn({ path: '/no/such/program', args: ['x'], env: [] }), -ERRNO.ENOENT);
  const pid = spawn({ path: '/bin/sh', args: ['sh', '-c', 'kill -TERM $$'], env: [] });
  assert.deepEqual(waitForChild(pid), { signal: 15 });
  assert.equal(waitForChild(pid), undefined);
  const other = spawn({ path: '/bin/sh', args: ['sh', '-c', 'exit 7'], env: [] });
  const children = watchChildren();
  assert.deepEqual(await children.ended(other), { exited: 7 });
  assert.equal(await children.ended(other), undefined);
  children.stop();
});

test('a process is known by pid and start time: another that has its pid is never signalled', () => {
  const pid = spawn({ path: '/bin/sleep', args: ['sleep', '300'], env: [] });
  const startTime = processStat(pid)?.startTime ?? 0;
  assert.equal(pidfdOpen(pid, startTime + 1), -ERRNO.ESRCH);
  assert.equal(isSameProcess(pid, startTime + 1), false);
  assert.equal(isSameProcess(pid, startTime), true);
  const pidfd = pidfdOpen(pid, startTime);
  assert.ok(pidfd >= 0);
  assert.equal(waitForEnd(pidfd, 1), false);
  assert.equal(pidfdSendSignal(pidfd, 9), 0);
  assert.equal(waitForEnd(pidfd), true);
  // A zombie does not live.
  assert.equal(isSameProcess(pid, startTime), false);
  assert.deepEqual(waitForChild(pid), { signal: 9 });
  assert.equal(pidfdOpen(pid, startTime), -ERRNO.ESRCH);
  closeSync(pidfd);
});

test('the innermost pid of a process of this namespace is its own', () => {
  assert.equal(
    innermostPid(process.pid),
    Number(/^NSpid:.*\s(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
  );
});

test('packets keep their bounds, and the end of the other side is an empty one', () => {
  const [a, b] = packetPair();
  assert.equal(sendPacket(a, Buffer.from('one')), 0);
  assert.equal(sendPacket(a, Buffer.from('two2')), 0);
  assert.equal(String(receivePacket(b)), 'one');
  assert.equal(String(receivePacket(b)), 'two2');
  closeSync(a);
  assert.equal(receivePacket(b).toString(), '');
  assert.equal(sendPacket(b, Buffer.from('x')), -ERRNO.EPIPE);
  closeSync(b);
});

test('a FIFO is its owner’s, has both its ends at once, and ends for the reader when its last writer is gone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runt-fifo-'));
  const path = join(directory, 'fifo');
  const both = makeFifo(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const reader = openFifoForReading(path);
  writeSync(both, 'word');
  closeSync(both);
  const bytes = Buffer.alloc(16);
  assert.equal(bytes.toString('utf8', 0, readSync(reader, bytes)), 'word');
  assert.equal(readSync(reader, bytes), 0);
  closeSync(reader);
  // Nobody holds it any more: opening it for reading does not wait for a writer.
  const late = openFifoForReading(path);
  assert.equal(readSync(late, bytes), 0);
  closeSync(late);
  assert.throws(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), { code: 'ENXIO' });
  rmSync(directory, { recursive: true });
});
