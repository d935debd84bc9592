import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventFd } from './event-fds.ts';
import { POLLIN, poll } from './poll.ts';
import { syscall } from './syscall.ts';

test('each descriptor is told of by itself, and none when the time has passed', () => {
  const [quiet, busy] = [eventFd(), eventFd()];
  const entries = [quiet, busy].map((fd) => ({ fd, events: POLLIN }));
  assert.deepEqual(poll(entries, 0), [0, 0]);
  const begin = performance.now();
  assert.deepEqual(poll(entries, 20.5), [0, 0]);
  assert.ok(performance.now() - begin >= 20);
  syscall('write', busy, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8);
  assert.deepEqual(poll(entries), [0, POLLIN]);
  for (const fd of [quiet, busy]) syscall('close', fd);
});

test('a time beyond what the kernel counts is waited for like a long one', () => {
  const busy = eventFd();
  syscall('write', busy, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8);
  assert.deepEqual(poll([{ fd: busy, events: POLLIN }], 2 ** 63 * 1000), [POLLIN]);
  syscall('close', busy);
});
