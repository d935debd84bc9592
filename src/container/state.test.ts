import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CgroupRecord } from '../cgroup/record.ts';
import { pidfdOpen, pidfdSendSignal, waitForEnd } from '../linux/pidfd.ts';
import { executedFile, processStat } from '../linux/procfs.ts';
import { spawn, waitForChild } from '../linux/spawn.ts';
import { hookState, stateOf, statusOf } from './state.ts';
import { recordOf } from './test-support.ts';

const self = { pid: process.pid, startTime: processStat(process.pid)?.startTime ?? 0 };
const image = executedFile(process.pid) ?? '';

test('a container is created while its process executes the image that was recorded', () => {
  assert.equal(statusOf(recordOf({ init: { ...self, image } })), 'created');
});

test('it is running when the process executes something else', () => {
  assert.equal(statusOf(recordOf({ init: { ...self, image: '0:1' } })), 'running');
});

/** The record of a cgroup with these control files. */
function frozenIn(context: TestContext, version: 1 | 2, files: Record<string, string>): CgroupRecord {
  const path = mkdtempSync(join(tmpdir(), 'runt-state-'));
  context.after(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { cgroups: [{ version, controllers: version === 1 ? 'freezer' : '', path, existing: '/' }] };
}

const FROZEN_V1 = { 'freezer.state': 'FROZEN\n', 'freezer.self_freezing': '1\n' };
const FROZEN_V2 = { 'cgroup.freeze': '1\n', 'cgroup.events': 'populated 1\nfrozen 1\n' };

test('it is paused when its cgroup is frozen, and running again when it is not', (context) => {
  const init = { ...self, image: '0:1' };
  for (const cgroups of [frozenIn(context, 1, FROZEN_V1), frozenIn(context, 2, FROZEN_V2)])
    assert.equal(statusOf(recordOf({ init, cgroups })), 'paused');
  for (const cgroups of [
    frozenIn(context, 1, { ...FROZEN_V1, 'freezer.state': 'FREEZING\n' }),
    frozenIn(context, 2, { ...FROZEN_V2, 'cgroup.events': 'populated 1\nfrozen 0\n' }),
    frozenIn(context, 2, {}),
  ])
    assert.equal(statusOf(recordOf({ init, cgroups })), 'running');
});

test('a created container can be paused; v1 is asked only when its process is in an uninterruptible state', (context) => {
  const init = { ...self, image };
  assert.equal(statusOf(recordOf({ init, cgroups: frozenIn(context, 2, FROZEN_V2) })), 'paused');
  // Ours is not.
  assert.equal(statusOf(recordOf({ init, cgroups: frozenIn(context, 1, FROZEN_V1) })), 'created');
});

test('a stopped container is not paused, whatever its cgroup says', (context) => {
  const init = { ...self, startTime: self.startTime + 1, image };
  assert.equal(statusOf(recordOf({ init, cgroups: frozenIn(context, 2, FROZEN_V2) })), 'stopped');
});

test('it is stopped when the pid belongs to another process by now', () => {
  assert.equal(statusOf(recordOf({ init: { pid: self.pid, startTime: self.startTime + 1, image } })), 'stopped');
});

test('it is stopped when its process is a zombie, and when it is gone', () => {
  // Spawned without the engine's knowledge, so that nobody reaps it before we do.
  const pid = spawn({ path: '/bin/sleep', args: ['sleep', '300'], env: [] });
  const init = { pid, startTime: processStat(pid)?.startTime ?? 0, image: '' };
  assert.equal(statusOf(recordOf({ init })), 'running');
  const pidfd = pidfdOpen(pid);
  pidfdSendSignal(pidfd, 9);
  waitForEnd(pidfd);
  closeSync(pidfd);
  assert.equal(processStat(pid)?.state, 'Z');
  assert.equal(statusOf(recordOf({ init })), 'stopped');
  waitForChild(pid);
  assert.equal(processStat(pid), undefined);
  assert.equal(statusOf(recordOf({ init })), 'stopped');
});

test('it is being created as long as its creator lives, and stopped when that was killed', () => {
  assert.equal(statusOf(recordOf({ ready: false, creator: self })), 'creating');
  assert.equal(statusOf(recordOf({ ready: false, creator: { ...self, startTime: self.startTime + 1 } })), 'stopped');
});

test('the state of a stopped container has no pid, and annotations only where there are some', () => {
  const state = stateOf(recordOf({ init: { ...self, image } }), 'stopped');
  assert.equal(state.pid, 0);
  assert.equal('annotations' in state, false);
  assert.deepEqual(stateOf(recordOf({ annotations: { a: 'b' } }), 'created').annotations, { a: 'b' });
});

test('hooks read the state of the specification, and nothing that is runt’s own', () => {
  const state = JSON.parse(hookState(recordOf({ annotations: { a: 'b' } }), 'created', 7));
  assert.deepEqual(state, {
    ociVersion: '1.3.0',
    id: 'a',
    status: 'created',
    pid: 7,
    bundle: '/bundle',
    annotations: { a: 'b' },
  });
  assert.equal('pid' in JSON.parse(hookState(recordOf(), 'stopped', 0)), false);
});
