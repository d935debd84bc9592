// Bind mounts whose source lies in the container's own root, as data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import type { IdMap, PreparedMount } from './inputs.ts';
import { during, lines, planOf, run } from './test-support.ts';

const users = { fd: 30, text: 'ids' };
const step = { sentence: 'map the ids of the mount on /data', pointer: '/mounts/0/uidMappings' };

/** A plan that binds /plain on /data. */
function bound(idMap: Partial<IdMap> = {}) {
  const prepared: PreparedMount = {
    kind: 'innerBind',
    source: '/plain',
    recursive: true,
    changes: [{ set: 1, clear: 0, propagation: 0, recursive: false }],
    destination: '/data',
    present: 1,
    idMap: { users, recursive: false, step, ...idMap },
  };
  const mounts = [{ destination: '/data', source: '/root/plain', options: ['rbind', 'ro', 'idmap'] }];
  return planOf({ mounts } as Partial<Config>, { mounts: [prepared] });
}

const asking = /^have the runtime map the ids/;

test('the ids of a copy are mapped by init, or by the runtime that init asks, before anything can reach it', () => {
  const own = run(bound()).trace;
  assert.deepEqual(during(own, asking), []);
  assert.match(
    lines(during(own, step.sentence))[0] ?? '',
    /^mount_setattr\(copy of root\/plain, "", AT_EMPTY_PATH, .*ids/,
  );

  const { trace, end } = run(bound({ byRuntime: true }));
  assert.equal(end, 'executed');
  assert.deepEqual(lines(during(trace, asking)), ['write(3, {tree}, 8)', 'read(3, {answer}, 8)']);
  assert.deepEqual(during(trace, step.sentence), []);
  const names = trace.map(({ name, args }) => `${name} ${args[0]} ${args[1]}`);
  const order = ['open_tree', 'write 3 {tree}', 'mount_setattr copy', 'move_mount copy'].map((start) =>
    names.findIndex((name, index) => name.startsWith(start) && (start !== 'open_tree' || index > 0)),
  );
  assert.ok(
    order.every((at, index) => at > (order[index - 1] ?? -1)),
    `${order}`,
  );
});

test('init ends when the runtime is gone, and keeps no namespace that it does not use', () => {
  const gone = run(bound({ byRuntime: true }), ({ name, sentence }) =>
    name === 'read' && asking.test(sentence) ? 0 : undefined,
  );
  assert.equal(gone.end, 'exited');
  const closes = (plan: ReturnType<typeof bound>) =>
    lines(run(plan).trace, 'close_range').some((line) => /close_range\(\d+, 29,|close_range\(31,/.test(line));
  assert.deepEqual([closes(bound()), closes(bound({ byRuntime: true }))], [true, false]);
});
