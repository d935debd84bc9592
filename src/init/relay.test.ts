import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrnoName } from '../linux/errno.ts';
import { compileRelay, RELAY } from './relay.ts';
import { type Answer, lines, run, type TracedCall } from './test-support.ts';

const from = { fd: 5, text: 'from' };
const to = { fd: 6, text: 'to' };
const until = { fd: 7, text: 'until' };

const text = (argument: number, bytes: string): Answer => ({
  result: bytes.length,
  write: { argument, bytes: Buffer.from(bytes) },
});

/** Answers calls of a name one after the other; the last answer again and again. */
function answers(by: Readonly<Record<string, readonly Answer[]>>): (call: TracedCall) => Answer {
  const counts = new Map<string, number>();
  return ({ name }) => {
    const list = by[name];
    if (list === undefined) return undefined;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return list[Math.min(count, list.length - 1)];
  };
}

const copied = (trace: readonly TracedCall[]): string[] =>
  lines(trace, 'read', 'write', 'ppoll').filter((call) => !call.includes('termios'));

test('what is read is written, until the source ends', () => {
  const { trace, end } = run(
    compileRelay({ from, to }),
    answers({ read: [text(1, 'hello'), 0], write: [5], pread64: [0] }),
  );
  assert.deepEqual(copied(trace), [
    'read(from, {buffer}, 65536)',
    'write(to, {buffer}, 5)',
    'read(from, {buffer}, 65536)',
  ]);
  assert.deepEqual(lines(trace, 'exit_group'), [`exit_group(${RELAY.sourceEnded})`]);
  assert.equal(end, 'exited');
});

test('what a write has left over is written by the next, and a full destination is waited for', () => {
  const { trace } = run(
    compileRelay({ from, to }),
    answers({ read: [text(1, 'hello'), 0], write: [2, 'EAGAIN', 3], pread64: [text(1, 'llo'), 0] }),
  );
  assert.deepEqual(copied(trace), [
    'read(from, {buffer}, 65536)',
    'write(to, {buffer}, 5)',
    'write(to, {buffer}, 3)',
    'ppoll([6<to> POLLOUT], 1, 0, 0, 0)',
    'write(to, {buffer}, 3)',
    'read(from, {buffer}, 65536)',
  ]);
  // The rest is what the kernel gives from behind the 2 bytes that were written.
  assert.match(lines(trace, 'pread64')[0] ?? '', /, \{buffer\}, 65536, 2\)$/);
});

test('a source that has nothing yet is waited for', () => {
  const { trace } = run(compileRelay({ from, to }), answers({ read: ['EAGAIN', 0] }));
  assert.deepEqual(copied(trace), [
    'read(from, {buffer}, 65536)',
    'ppoll([5<from> POLLIN], 1, 0, 0, 0)',
    'read(from, {buffer}, 65536)',
  ]);
});

test('a destination that nobody reads ends it, with a status of its own; any other error is a failure', () => {
  const ended = (error: ErrnoName) =>
    run(compileRelay({ from, to }), answers({ read: [text(1, 'x')], write: [error] }));
  assert.deepEqual(lines(ended('EPIPE').trace, 'exit_group'), [`exit_group(${RELAY.destinationEnded})`]);
  assert.deepEqual(ended('ENOSPC').end, { sentence: 'copy from from to to', errno: 'ENOSPC' });
});

const REVENTS = 6;
const ready = (events: number): Answer => {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(from.fd, 0);
  bytes.writeInt16LE(events, REVENTS);
  return { result: 1, write: { argument: 0, bytes } };
};

test('a terminal is read until all is read and the runtime has hung up; then the attributes are restored', () => {
  const attributes = new Uint8Array(36);
  const plan = compileRelay({ from, to, until, restore: { terminal: { fd: 0, text: 'stdin' }, attributes } });
  const { trace } = run(
    plan,
    answers({ ppoll: [ready(1), ready(0)], read: [text(1, 'last')], write: [4], pread64: [0] }),
  );
  assert.deepEqual(lines(trace, 'read', 'write', 'ioctl', 'exit_group').slice(-4), [
    'read(from, {buffer}, 65536)',
    'write(to, {buffer}, 4)',
    'ioctl(stdin, TCSETS, {termios})',
    `exit_group(${RELAY.sourceEnded})`,
  ]);
});

test('a terminal that nobody has open is looked at again, as long as the runtime is there', () => {
  const plan = compileRelay({ from, to, until });
  // Hung up: ready, EIO. Then 50 ms pass; then it is open again; then the runtime hangs up.
  const { trace } = run(
    plan,
    answers({ ppoll: [ready(16), 0, ready(1), ready(0)], read: ['EIO', text(1, 'x')], write: [1], pread64: [0] }),
  );
  assert.deepEqual(
    lines(trace, 'read', 'write').map((line) => line.slice(0, 5)),
    ['read(', 'read(', 'write'],
  );
});

test('signals are left to the runtime, but for the one that stops a reader in the background', () => {
  assert.match(
    lines(run(compileRelay({ from, to }), answers({ read: [0] })).trace, 'rt_sigprocmask')[0] ?? '',
    /~\[SIGTTIN\]/,
  );
});
