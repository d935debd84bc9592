// Who copies the trees where a user namespace is joined: a process that has not joined it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import type { InitInputs } from './inputs.ts';
import { type Answer, lines, planOf, run, type TracedCall } from './test-support.ts';

const linux = { namespaces: [{ type: 'user', path: '/u' }, { type: 'mount' }, { type: 'pid' }] } as Config['linux'];
const users = { fd: 30, text: 'ids' };
const inputs: Partial<InitInputs> = {
  userNamespace: {
    kind: 'joined',
    isCallerRoot: true,
    setgroups: 'unknown',
    treesBy: 'launcher',
    trees: [
      {
        path: '/src',
        recursive: false,
        into: { fd: 20, text: 'tree' },
        changes: [{ set: 1, clear: 0, propagation: 0, recursive: false }],
        idMap: { users, recursive: true, step: { sentence: 'map the ids' } },
        step: { sentence: 'copy /src', pointer: '/mounts/0/source' },
      },
    ],
    rootPlace: { fd: 21, text: 'place' },
  },
};
const plan = planOf({ linux: linux ?? {} }, inputs);
const isOfInit = ({ args }: TracedCall): boolean => args[0]?.includes('CLONE_PARENT') === true;
const names = (trace: readonly TracedCall[], from: number): string[] => trace.slice(from).map(({ name }) => name);
const birth = (trace: readonly TracedCall[], which: (call: TracedCall) => boolean): number =>
  trace.findIndex((call) => call.name === 'clone3' && which(call)) + 1;

test('it joins nothing, waits for init, and copies in the mount namespace of init', () => {
  const answer = ({ name }: TracedCall): Answer => (name === 'getpid' || name === 'getppid' ? 9 : undefined);
  const { trace } = run(plan, answer);
  assert.deepEqual(
    names(
      trace,
      birth(trace, (call) => !isOfInit(call)),
    ),
    [
      ...['prctl', 'getppid', 'read', 'setns', 'open_tree', 'mount_setattr', 'mount_setattr', 'dup3', 'close'],
      ...['openat', 'dup3', 'close', 'exit_group'],
    ],
  );
  assert.match(lines(trace, 'setns').join(), /CLONE_NEWNS/);
  assert.match(
    lines(trace, 'mount_setattr')[0] ?? '',
    /AT_RECURSIVE, \{attr_set=MOUNT_ATTR_IDMAP, userns_fd=30<ids>\}/,
  );
});

test('it ends if the launcher has ended before it could be bound to it', () => {
  const { trace } = run(plan, ({ name }) => (name === 'getpid' ? 9 : name === 'getppid' ? 1 : undefined));
  assert.deepEqual(
    names(
      trace,
      birth(trace, (call) => !isOfInit(call)),
    ),
    ['prctl', 'getppid', 'exit_group'],
  );
});

/** As the launcher sees it: both processes that it clones have pids. `status`: what the first one ends with. */
function launcher(status: number) {
  return run(plan, ({ name }) => {
    if (name === 'clone3') return 50;
    if (name !== 'wait4') return undefined;
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(status << 8, 0);
    return { result: 50, write: { argument: 1, bytes } };
  });
}

test('the launcher joins, and ends when all is copied', () => {
  const { trace } = launcher(0);
  const from = birth(trace, () => true);
  assert.deepEqual(names(trace, from), ['setns', 'clone3', 'write', 'write', 'wait4', 'exit_group']);
  assert.deepEqual(lines(trace, 'exit_group'), ['exit_group(0)']);
});

test('what it fails at is the failure of the launcher', () => {
  assert.deepEqual(lines(launcher(1).trace, 'exit_group'), ['exit_group(1)']);
});
