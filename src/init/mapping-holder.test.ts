import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileMappingHolder } from './mapping-holder.ts';
import { lines, run } from './test-support.ts';

const plan = compileMappingHolder({ fd: 5, text: 'runtime' });

test('it makes a user namespace, says so, and waits for the end of the channel', () => {
  const { trace, end } = run(plan, ({ name }) => (name === 'read' ? 0 : undefined));
  assert.deepEqual(lines(trace, 'unshare', 'write', 'read', 'exit_group'), [
    'unshare(CLONE_NEWUSER)',
    'write(runtime, {ready}, 8)',
    'read(runtime, {end}, 8)',
    'exit_group(0)',
  ]);
  assert.equal(end, 'exited');
});

test('where the kernel makes none it ends', () => {
  const { end } = run(plan, ({ name }) => (name === 'unshare' ? 'ENOSPC' : undefined));
  assert.deepEqual(end, { sentence: 'make a user namespace for the ids of a mount', errno: 'ENOSPC' });
});

test('it ends with the runtime, and holds nothing but the channel', () => {
  const { trace } = run(plan, () => undefined);
  assert.ok(lines(trace, 'prctl').some((line) => line.includes('PR_SET_PDEATHSIG')));
  assert.equal(lines(trace, 'close').length, 3);
  assert.equal(lines(trace, 'close_range').length, 2);
});
