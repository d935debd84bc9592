import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { Seccomp, SeccompAction, SeccompArg } from '../spec/generated/types.ts';
import { interfaceOf, numbersOf, X32_BIT } from './architectures.ts';
import { compileSeccomp, type SeccompFilter } from './compile.ts';
import { ACTIONS, ENOSYS, type FilteredArchitecture } from './names.ts';
import { verdictOf } from './verdict.ts';

const ERRNO = ACTIONS.SCMP_ACT_ERRNO;
const ALLOW = ACTIONS.SCMP_ACT_ALLOW;

function compile(profile: Partial<Seccomp>, machine: 'x64' | 'arm64' = 'x64'): SeccompFilter {
  return compileSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', ...profile }, { machine });
}

function ask(
  filter: SeccompFilter,
  name: string,
  args: readonly bigint[] = [],
  by: FilteredArchitecture = 'SCMP_ARCH_X86_64',
): number {
  const { audit, bit } = interfaceOf(by);
  const number = numbersOf(interfaceOf(by)).get(name);
  assert.ok(number !== undefined, name);
  return askNumber(filter, number + bit, audit, args);
}

function askNumber(filter: SeccompFilter, number: number, audit = 0xc000003e, args: readonly bigint[] = []): number {
  const verdict = verdictOf(filter.program, { number, architecture: audit, args: [...args, 0n, 0n, 0n, 0n, 0n, 0n] });
  assert.ok(verdict !== undefined);
  return verdict;
}

const rule = (action: SeccompAction, names: string[], more: { errnoRet?: number; args?: SeccompArg[] } = {}) => ({
  names,
  action,
  ...more,
});

test('each action is what the kernel calls it; errno and trace message are EPERM where none is given', () => {
  const returns = (action: SeccompAction, errnoRet?: number): number =>
    ask(
      compile({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [rule(action, ['mkdir'], errnoRet === undefined ? {} : { errnoRet })],
      }),
      'mkdir',
    );
  assert.equal(returns('SCMP_ACT_KILL'), 0);
  assert.equal(returns('SCMP_ACT_KILL_THREAD'), 0);
  assert.equal(returns('SCMP_ACT_KILL_PROCESS'), 0x80000000);
  assert.equal(returns('SCMP_ACT_TRAP'), 0x30000);
  assert.equal(returns('SCMP_ACT_ERRNO'), 0x50001);
  assert.equal(returns('SCMP_ACT_ERRNO', 100), 0x50064);
  assert.equal(returns('SCMP_ACT_ERRNO', 0), 0x50000);
  assert.equal(returns('SCMP_ACT_TRACE'), 0x7ff00001);
  assert.equal(returns('SCMP_ACT_TRACE', 0xffff), 0x7ff0ffff);
  assert.equal(returns('SCMP_ACT_NOTIFY'), 0x7fc00000);
  assert.equal(returns('SCMP_ACT_LOG'), 0x7ffc0000);
  assert.equal(ask(compile({ defaultErrnoRet: 6, syscalls: [rule('SCMP_ACT_ALLOW', ['mknod'])] }), 'mkdir'), ERRNO + 6);
});

test('what is newer than all that the profile names does not exist, unless the default lets calls through', () => {
  const of = (defaultAction: SeccompAction): SeccompFilter =>
    compile({
      defaultAction,
      architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [rule('SCMP_ACT_TRAP', ['mkdir', 'openat2', 'no_such_call'])],
    });
  for (const action of ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS'] as const) {
    const filter = of(action);
    assert.notEqual(ask(filter, 'clone3'), ERRNO + ENOSYS, 'older');
    for (const name of ['faccessat2', 'landlock_add_rule']) {
      assert.equal(ask(filter, name), ERRNO + ENOSYS, name);
      assert.equal(ask(filter, name, [], 'SCMP_ARCH_X86'), ERRNO + ENOSYS, name);
      assert.equal(ask(filter, name, [], 'SCMP_ARCH_X32'), ERRNO + ENOSYS, name);
    }
    assert.equal(askNumber(filter, 0x3fffffff), ERRNO + ENOSYS);
  }
  assert.equal(ask(of('SCMP_ACT_ALLOW'), 'faccessat2'), ALLOW);
  assert.equal(ask(of('SCMP_ACT_LOG'), 'faccessat2'), ACTIONS.SCMP_ACT_LOG);
  assert.equal(ask(of('SCMP_ACT_TRACE'), 'faccessat2'), ACTIONS.SCMP_ACT_TRACE + 1);
});

test('calls that only ARM has do not make its profile the newest', () => {
  const filter = compile(
    { architectures: ['SCMP_ARCH_ARM'], syscalls: [rule('SCMP_ACT_ALLOW', ['read', 'set_tls'])] },
    'arm64',
  );
  assert.equal(ask(filter, 'set_tls', [], 'SCMP_ARCH_ARM'), ALLOW);
  assert.equal(ask(filter, 'usr26', [], 'SCMP_ARCH_ARM'), ERRNO + 1);
  assert.equal(ask(filter, 'openat2', [], 'SCMP_ARCH_ARM'), ERRNO + ENOSYS);
});

test('architectures: the native one in any case, the listed ones of the machine, and nothing else', () => {
  const syscalls = [rule('SCMP_ACT_ALLOW', ['getpid'])];
  const native = compile({ syscalls });
  assert.equal(ask(native, 'getpid'), ALLOW);
  assert.equal(ask(native, 'getpid', [], 'SCMP_ARCH_X86'), ACTIONS.SCMP_ACT_KILL);
  assert.equal(ask(native, 'getpid', [], 'SCMP_ARCH_X32'), ACTIONS.SCMP_ACT_KILL);
  assert.equal(askNumber(native, 0xffffffff), ERRNO + 1, 'a call that a tracer leaves out is none of x32');
  const all = compile({
    syscalls,
    architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_S390X'],
  });
  assert.equal(ask(all, 'getpid', [], 'SCMP_ARCH_X86'), ALLOW);
  assert.equal(ask(all, 'getpid', [], 'SCMP_ARCH_X32'), ALLOW);
  // Such a call can't be made on this machine.
  assert.equal(ask(all, 'getpid', [], 'SCMP_ARCH_AARCH64'), ACTIONS.SCMP_ACT_KILL);
  assert.equal(numbersOf(interfaceOf('SCMP_ARCH_X32')).get('getpid'), 39);
  assert.equal(X32_BIT, 2 ** 30);
});

test('each operator, at its bounds, on each of the six arguments', () => {
  const big = 2 ** 32 + 5;
  const table: [SeccompArg['op'], number, number | undefined, bigint[], bigint[]][] = [
    ['SCMP_CMP_EQ', big, undefined, [0x100000005n], [5n, 0x100000004n, 0x200000005n]],
    ['SCMP_CMP_NE', big, undefined, [5n, 0x100000004n, 0x200000005n], [0x100000005n]],
    ['SCMP_CMP_LT', big, undefined, [0n, 0x100000004n, 0xffffffffn], [0x100000005n, 0x100000006n, 0x200000000n]],
    ['SCMP_CMP_LE', big, undefined, [0n, 0x100000005n, 0xffffffffn], [0x100000006n, 0x200000000n]],
    ['SCMP_CMP_GT', big, undefined, [0x100000006n, 0x200000000n], [0n, 0x100000005n, 0xffffffffn]],
    ['SCMP_CMP_GE', big, undefined, [0x100000005n, 0x200000000n], [0n, 0x100000004n, 0xffffffffn]],
    ['SCMP_CMP_MASKED_EQ', 0xf0, 0x30, [0x30n, 0xffffffff0000003fn], [0n, 0x70n]],
    ['SCMP_CMP_MASKED_EQ', 2 ** 40, 2 ** 40, [1n << 40n, 0xffff_ffff_ffff_ffffn], [0n, 0xffn]],
    ['SCMP_CMP_MASKED_EQ', 0, 0, [0n, 77n], []],
  ];
  for (const [op, value, valueTwo, holds, fails] of table) {
    for (let index = 0; index < 6; index++) {
      const args = [{ index, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }];
      const filter = compile({ syscalls: [rule('SCMP_ACT_ALLOW', ['mmap'], { args })] });
      const verdict = (argument: bigint): number =>
        ask(filter, 'mmap', [...new Array<bigint>(index).fill(0n), argument]);
      for (const argument of holds) assert.equal(verdict(argument), ALLOW, `${op} ${argument} as ${index}`);
      for (const argument of fails) assert.equal(verdict(argument), ERRNO + 1, `${op} ${argument} as ${index}`);
    }
  }
});

test('a number that JSON.parse rounds is compared as it is written', () => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      rule('SCMP_ACT_TRAP', ['mmap'], {
        args: [{ index: 0, op: 'SCMP_CMP_EQ', value: Number(0xffff_ffff_ffff_fffdn) }],
      }),
    ],
  };
  const exactInteger = (pointer: string): bigint | undefined =>
    pointer === '/linux/seccomp/syscalls/0/args/0/value' ? 0xffff_ffff_ffff_fffdn : undefined;
  const filter = compileSeccomp(profile, { machine: 'x64', exactInteger });
  assert.equal(ask(filter, 'mmap', [0xffff_ffff_ffff_fffdn]), ACTIONS.SCMP_ACT_TRAP);
  assert.equal(ask(filter, 'mmap', [0xffff_ffff_ffff_ffffn]), ALLOW);
});

test('conditions of a rule hold together; those about one argument are alternatives; so are rules', () => {
  const eq = (index: number, value: number): SeccompArg => ({ index, op: 'SCMP_CMP_EQ', value });
  const both = compile({ syscalls: [rule('SCMP_ACT_ALLOW', ['socket'], { args: [eq(0, 1), eq(1, 2)] })] });
  assert.equal(ask(both, 'socket', [1n, 2n]), ALLOW);
  assert.equal(ask(both, 'socket', [1n, 3n]), ERRNO + 1);
  assert.equal(ask(both, 'socket', [3n, 2n]), ERRNO + 1);
  const either = compile({ syscalls: [rule('SCMP_ACT_ALLOW', ['socket'], { args: [eq(0, 1), eq(0, 2)] })] });
  assert.equal(ask(either, 'socket', [1n]), ALLOW);
  assert.equal(ask(either, 'socket', [2n]), ALLOW);
  assert.equal(ask(either, 'socket', [3n]), ERRNO + 1);
  const rules = compile({
    syscalls: [
      rule('SCMP_ACT_ALLOW', ['socket'], { args: [eq(0, 1)] }),
      rule('SCMP_ACT_TRAP', ['socket'], { args: [eq(0, 2)] }),
    ],
  });
  assert.equal(ask(rules, 'socket', [1n]), ALLOW);
  assert.equal(ask(rules, 'socket', [2n]), ACTIONS.SCMP_ACT_TRAP);
});

test('a rule without conditions covers those with; rules that contradict each other are refused by name', () => {
  const args: SeccompArg[] = [{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }];
  const covered = compile({
    syscalls: [rule('SCMP_ACT_TRAP', ['socket'], { args }), rule('SCMP_ACT_ALLOW', ['socket'])],
  });
  assert.equal(ask(covered, 'socket', [1n]), ALLOW);
  assert.throws(
    () =>
      compile({
        syscalls: [rule('SCMP_ACT_TRAP', ['socket'], { args }), rule('SCMP_ACT_ALLOW', ['socket'], { args })],
      }),
    (error) => error instanceof RuntError && error.problem.pointer === '/linux/seccomp/syscalls/1',
  );
});

test('a socket call of 32-bit x86 is filtered by both its ways', () => {
  const filter = compile({
    architectures: ['SCMP_ARCH_X86'],
    syscalls: [rule('SCMP_ACT_ALLOW', ['accept4', 'shmget'])],
  });
  assert.equal(ask(filter, 'accept4', [], 'SCMP_ARCH_X86'), ALLOW);
  assert.equal(ask(filter, 'socketcall', [18n], 'SCMP_ARCH_X86'), ALLOW);
  assert.equal(ask(filter, 'socketcall', [1n], 'SCMP_ARCH_X86'), ERRNO + 1);
  assert.equal(ask(filter, 'ipc', [23n], 'SCMP_ARCH_X86'), ALLOW);
  assert.equal(ask(filter, 'ipc', [24n], 'SCMP_ARCH_X86'), ERRNO + 1);
});

test('flags are the kernel’s; none at all means SPEC_ALLOW; a rule that notifies makes a listener', () => {
  assert.equal(compile({}).flags, 4);
  assert.equal(compile({ flags: [] }).flags, 0);
  assert.equal(compile({ flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'] }).flags, 2);
  const notifying = compile({
    flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
    syscalls: [rule('SCMP_ACT_NOTIFY', ['mkdir'])],
  });
  assert.equal(notifying.flags, 40);
  assert.equal(notifying.notifies, true);
});

test('names that no architecture has are told, and change nothing', () => {
  const filter = compile({ syscalls: [rule('SCMP_ACT_ALLOW', ['read', 'no_such_call'])] });
  assert.match(filter.rules.notices.join(), /no_such_call/);
  assert.equal(ask(filter, 'read'), ALLOW);
});

test('jumps beyond 255 instructions and thousands of conditions are right; more than 4096 instructions are refused', () => {
  const many = (count: number): Partial<Seccomp> => ({
    syscalls: Array.from({ length: count }, (_, value) =>
      rule('SCMP_ACT_ALLOW', ['ioctl'], { args: [{ index: 1, op: 'SCMP_CMP_EQ', value: value * 3 }] }),
    ),
  });
  const filter = compile(many(900));
  for (const value of [0n, 3n, 1347n, 2697n]) assert.equal(ask(filter, 'ioctl', [0n, value]), ALLOW);
  for (const value of [1n, 2698n, 2700n]) assert.equal(ask(filter, 'ioctl', [0n, value]), ERRNO + 1);
  assert.throws(
    () => compile(many(2000)),
    (error) => error instanceof RuntError && error.problem.code === 'unsupported',
  );
});

test('the cost grows with the logarithm of the profile: 200 scattered calls are told apart in a dozen comparisons', () => {
  const names = [...numbersOf(interfaceOf('SCMP_ARCH_X86_64')).keys()].filter((_, index) => index % 2 === 0);
  const { program } = compile({ syscalls: [rule('SCMP_ACT_ALLOW', names.slice(0, 200))] });
  const longest = (at: number): number => {
    const code = program[at * 8] ?? 0;
    if (code === 0x06) return 1;
    if (code === 0x05)
      return 1 + longest(at + 1 + new DataView(program.buffer, program.byteOffset).getUint32(at * 8 + 4, true));
    if ((code & 7) !== 5) return 1 + longest(at + 1);
    return 1 + Math.max(longest(at + 1 + (program[at * 8 + 2] ?? 0)), longest(at + 1 + (program[at * 8 + 3] ?? 0)));
  };
  assert.ok(longest(0) <= 24, `${longest(0)} instructions on the longest way`);
});

test('the constants are the kernel’s', (t) => {
  let text: string;
  try {
    text = readFileSync('/usr/include/linux/seccomp.h', 'utf8');
  } catch {
    return t.skip('/usr/include/linux/seccomp.h is not installed');
  }
  for (const [name, value] of Object.entries(ACTIONS)) {
    const kernel = name === 'SCMP_ACT_NOTIFY' ? 'USER_NOTIF' : name.slice('SCMP_ACT_'.length);
    const found = new RegExp(`SECCOMP_RET_${kernel}\\s+(0x[0-9a-f]+)U`).exec(text)?.[1];
    if (found !== undefined) assert.equal(value, Number(found), name);
  }
});
