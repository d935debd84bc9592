// Where the filter stands in the plan, and what init does around it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSeccomp } from '../seccomp/compile.ts';
import type { Config, Seccomp } from '../spec/generated/types.ts';
import { explainPlan, planToJson } from './explain.ts';
import type { Plan } from './plan.ts';
import { type Answer, planOf, run, type TracedCall } from './test-support.ts';

const profile: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', args: [{ index: 1, op: 'SCMP_CMP_GT', value: 5 }] },
    { names: ['mknod', 'mknodat'], action: 'SCMP_ACT_KILL_PROCESS' },
  ],
};

function plan(noNewPrivileges: boolean, of: Seccomp = profile, change: Partial<Config> = {}): Plan {
  const process = {
    cwd: '/',
    args: ['/bin/true'],
    env: ['HOME=/'],
    noNewPrivileges,
    capabilities: { permitted: ['CAP_KILL'] },
  };
  return planOf({ process, ...change }, { seccomp: compileSeccomp(of, { machine: 'x64' }) });
}

function traced(of: Plan, answer?: (call: TracedCall) => Answer): string[] {
  return run(of, answer).trace.map(({ name }) => name);
}

const after = (names: readonly string[]): string[] => names.slice(names.indexOf('seccomp') + 1);

test('with noNewPrivileges nothing but execve comes after the filter', () => {
  assert.deepEqual(after(traced(plan(true))), ['execve']);
});

test('without it only what drops CAP_SYS_ADMIN, the look for the program, the wait for start and execve come after, and no descriptor is left to mark', () => {
  const names = after(traced(plan(false)));
  assert.equal(names[0], 'capset');
  assert.deepEqual(names.slice(1), [
    ...['faccessat', 'write', 'read', 'close'],
    ...['read', 'close', 'write', 'faccessat', 'execve'],
  ]);
});

test('startContainer hooks come after it, and are made with clone', () => {
  const hooks = { startContainer: [{ path: '/bin/hook' }] };
  for (const noNewPrivileges of [true, false]) {
    const names = after(traced(plan(noNewPrivileges, profile, { hooks })));
    assert.ok(names.includes('clone') && !names.includes('clone3') && !names.includes('close_range'), names.join());
  }
});

test('a filter that notifies is installed by create, which is told the number of its listener', () => {
  const notifying: Seccomp = {
    ...profile,
    listenerPath: '/agent',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
  };
  for (const noNewPrivileges of [true, false]) {
    const names = after(traced(plan(noNewPrivileges, notifying), ({ name }) => (name === 'seccomp' ? 9 : undefined)));
    assert.deepEqual(names.slice(0, 3), ['write', 'read', 'close']);
  }
});

test('a filter that the kernel refuses is told with the step and the field', () => {
  const { end } = run(plan(true), ({ name }) => (name === 'seccomp' ? 'EINVAL' : undefined));
  assert.deepEqual(end, { sentence: 'install the seccomp filter', errno: 'EINVAL' });
});

test('the listing says what the filter does, and which rule says so; JSON has it as data', () => {
  const text = explainPlan(plan(true));
  assert.match(text, /install the seccomp filter {2}\[\/linux\/seccomp\]/);
  assert.match(text, /ERRNO\(1\) if arg1 > 5 {2}\[\/linux\/seccomp\/syscalls\/0\]\n +mkdir\n/);
  assert.match(text, /KILL_PROCESS {2}\[\/linux\/seccomp\/syscalls\/1\]\n +mknod mknodat\n/);
  assert.match(text, /ALLOW for all others {2}\[\/linux\/seccomp\/defaultAction\]/);
  const { operations } = planToJson(plan(true));
  const json = JSON.parse(JSON.stringify(operations.filter(({ details }) => details !== undefined)));
  assert.equal(json.length, 1);
  assert.equal(json[0].pointer, '/linux/seccomp');
  const [native] = json[0].details.interfaces;
  assert.equal(native.architecture, 'SCMP_ARCH_X86_64');
  assert.deepEqual(native.rules[0].conditions, ['arg1 > 5']);
  assert.equal(json[0].details.program.length, json[0].details.instructions);
});
