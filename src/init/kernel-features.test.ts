// personality and memory policy as data: what is called, and before what.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { Config } from '../spec/generated/types.ts';
import { during, lines, planOf, run } from './test-support.ts';

type Linux = NonNullable<Config['linux']>;
const namespaces = [{ type: 'mount' }] as const;
const seccomp = {
  program: new Uint8Array(8),
  flags: 0,
  notifies: false,
  details: () => ({ lines: [], data: {} }),
} as never;

function calls(linux: Partial<Linux>, noNewPrivileges = false): readonly { name: string; args: readonly string[] }[] {
  const process = { cwd: '/', args: ['/bin/true'], env: ['HOME=/'], noNewPrivileges };
  const { trace, end } = run(planOf({ process, linux: { namespaces, ...linux } }, { seccomp }));
  assert.equal(end, 'executed');
  return trace;
}

test('the personality and the memory policy are set before the seccomp filter, wherever that is installed', () => {
  for (const noNewPrivileges of [false, true]) {
    const names = calls(
      { personality: { domain: 'LINUX32' }, memoryPolicy: { mode: 'MPOL_BIND', nodes: '0' } },
      noNewPrivileges,
    ).map(({ name }) => name);
    const filter = names.indexOf('seccomp');
    for (const name of ['personality', 'set_mempolicy']) {
      assert.notEqual(names.indexOf(name), -1);
      assert.ok(names.indexOf(name) < filter, `${name} with noNewPrivileges ${noNewPrivileges}`);
    }
  }
});

test('a config without them calls neither', () => {
  const names = calls({}).map(({ name }) => name);
  assert.equal(names.includes('personality') || names.includes('set_mempolicy'), false);
});

test('each domain is the kernel’s number', () => {
  const number = (domain: 'LINUX' | 'LINUX32') =>
    planOf({ linux: { namespaces, personality: { domain } } }).operations.flatMap((operation) =>
      operation.kind === 'call' && operation.name === 'personality' ? operation.args : [],
    )[0];
  const [linux, linux32] = [number('LINUX'), number('LINUX32')];
  assert.ok(linux?.kind === 'immediate' && linux.value === 0n);
  assert.ok(linux32?.kind === 'immediate' && linux32.value === 8n);
});

test('a memory policy has its mode, flags and nodes, and their size in bits and one more', () => {
  const plan = planOf({
    linux: { namespaces, memoryPolicy: { mode: 'MPOL_BIND', nodes: '0,64', flags: ['MPOL_F_STATIC_NODES'] } },
  });
  const { trace } = run(plan);
  assert.deepEqual(lines(during(trace, /^set the memory policy/)), [
    'set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0,64], 129)',
  ]);
  const [mode, mask] = plan.operations.flatMap((operation) =>
    operation.kind === 'call' && operation.name === 'set_mempolicy' ? operation.args : [],
  );
  assert.ok(mode?.kind === 'immediate' && mode.value === 0x8002n);
  assert.ok(mask?.kind === 'data');
  assert.deepEqual(
    [...plan.constant.subarray(mask.offset, mask.offset + 16)],
    [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
  );
});

test('a memory policy without nodes has no mask', () => {
  const { trace } = run(planOf({ linux: { namespaces, memoryPolicy: { mode: 'MPOL_LOCAL' } } }));
  assert.deepEqual(lines(during(trace, /^set the memory policy/)), ['set_mempolicy(MPOL_LOCAL, 0, 0)']);
});

test('nodes that are none are refused by their pointer', () => {
  assert.throws(
    () => planOf({ linux: { namespaces, memoryPolicy: { mode: 'MPOL_BIND', nodes: '3-1' } } }),
    (error) => error instanceof RuntError && error.problem.pointer === '/linux/memoryPolicy/nodes',
  );
});
