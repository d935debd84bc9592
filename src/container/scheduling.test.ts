// What process.scheduler and process.ioPriority become: system calls as data, and those carried out on a process of ours.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { syscall } from '../linux/syscall.ts';
import type { Config, IoPriority, Scheduler } from '../spec/generated/types.ts';
import { applyScheduling, schedulingSteps } from './scheduling.ts';

const none = () => undefined;
const of = (change: { scheduler?: Scheduler; ioPriority?: IoPriority }) =>
  schedulingSteps({ cwd: '/', args: ['a'], ...change }, none);

function attributes(scheduler: Scheduler, exact: (pointer: string) => bigint | undefined = none): Buffer {
  const [step] = schedulingSteps({ cwd: '/', args: ['a'], scheduler }, exact);
  const [pid, bytes, flags] = step?.arguments(42) ?? [];
  assert.ok(pid === 42 && flags === 0 && bytes instanceof Uint8Array);
  return Buffer.from(bytes);
}

test('a process that says nothing of it is left as it is', () => {
  assert.deepEqual(schedulingSteps(undefined, none), []);
  assert.deepEqual(of({}), []);
});

test('a scheduler is a struct sched_attr of 56 bytes', () => {
  const bytes = attributes({
    policy: 'SCHED_DEADLINE',
    nice: -3,
    priority: 5,
    flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_DL_OVERRUN'],
    runtime: 1024,
    deadline: 2048,
    period: 4096,
  });
  assert.equal(bytes.length, 56);
  assert.deepEqual([bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readBigUInt64LE(8)], [56, 6, 5n]);
  assert.deepEqual([bytes.readInt32LE(16), bytes.readUInt32LE(20)], [-3, 5]);
  assert.deepEqual(
    [24, 32, 40].map((at) => bytes.readBigUInt64LE(at)),
    [1024n, 2048n, 4096n],
  );
});

test('what is not given is 0, and times are exact to the digit', () => {
  const bytes = attributes({ policy: 'SCHED_IDLE', runtime: 2 ** 53 }, (at) =>
    at === '/process/scheduler/runtime' ? 9007199254740993n : undefined,
  );
  assert.deepEqual([bytes.readUInt32LE(4), bytes.readInt32LE(16), bytes.readUInt32LE(20)], [5, 0, 0]);
  assert.equal(bytes.readBigUInt64LE(24), 9007199254740993n);
});

test('an I/O priority is one of the process: its class above its level', () => {
  const [step] = of({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 } });
  assert.equal(step?.pointer, '/process/ioPriority');
  assert.deepEqual(step?.arguments(42), [1, 42, (2 << 13) | 4]);
});

test('the sentences say what is asked for', () => {
  const sentences = of({
    scheduler: { policy: 'SCHED_RR', priority: 9, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    ioPriority: { class: 'IOPRIO_CLASS_IDLE' },
  }).map(({ sentence }) => sentence);
  assert.deepEqual(sentences, [
    'schedule the process with SCHED_RR|SCHED_FLAG_RESET_ON_FORK 9',
    'schedule the disk access of the process with IOPRIO_CLASS_IDLE, level 0',
  ]);
});

const config = (process: object): Config => ({ ociVersion: '1.3.0', process: { cwd: '/', args: ['a'], ...process } });

test('both are set for the process that is given, and for no other', () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    const pid = child.pid ?? 0;
    const change = { scheduler: { policy: 'SCHED_BATCH', nice: 9 }, ioPriority: { class: 'IOPRIO_CLASS_IDLE' } };
    applyScheduling(pid, config(change), none);
    const stat = (of: number | 'self') =>
      readFileSync(`/proc/${of}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
    assert.deepEqual([stat(pid)[16], stat(pid)[38]], ['9', '3']);
    assert.equal(stat('self')[38], '0');
    assert.equal(syscall('ioprio_get', 1, pid) >> 13, 3);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a refusal names the field', () => {
  const missing = 2 ** 22 + 1; // above every pid
  for (const [name, value] of Object.entries({
    scheduler: { policy: 'SCHED_BATCH' },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 1 },
  }))
    assert.throws(
      () => applyScheduling(missing, config({ [name]: value }), none),
      (error) => error instanceof RuntError && error.problem.pointer === `/process/${name}`,
    );
});
