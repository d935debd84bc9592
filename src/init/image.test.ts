import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntError } from '../error.ts';
import type { Architecture } from '../linux/syscall-numbers.ts';
import { SYSCALL_NUMBERS } from '../linux/syscall-numbers.ts';
import type { PlanBuilder } from './builder.ts';
import { createPlanBuilder } from './builder.ts';
import { encodeImage } from './image.ts';
import type { DecodedRow } from './machine/decode.ts';
import { decodeImage } from './machine/decode.ts';
import { dataAddress } from './machine/format.ts';
import { findProgram, runPlan, withFile } from './machine/run-image.ts';
import type { DataRef, Indirect, Label, Operand, Operation, Plan, Slot } from './plan.ts';

const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];
const native = ARCHITECTURES.find((architecture) => architecture === process.arch);
const nativeOnly = { skip: native === undefined && `this is ${process.arch}` };

/** A plan of what `body` emits; a failure exits with the errno's low 8 bits. */
function planOf(body: (plan: PlanBuilder) => void): Plan {
  const plan = createPlanBuilder();
  const failed = plan.label();
  plan.step({ sentence: 'the test' }, () => body(plan));
  plan.step({ sentence: 'report' }, () => {
    plan.place(failed);
    plan.withSlot((errno) => {
      plan.load(errno, plan.addressOf(plan.failureRecord, 8));
      plan.call('exit_group', [plan.slotRef(errno)]);
    });
  });
  return plan.finish(failed);
}

/** Every kind of operation, with every kind of operand. */
function richPlan(): Plan {
  return planOf((plan) => {
    const [one, other] = [plan.slot(), plan.slot()];
    const [first, second] = [plan.label(), plan.label()];
    plan.place(first);
    plan.call('openat2', [-100, '/proc', plan.constant(new Uint8Array(24).fill(1), '{how}'), 24], { result: one });
    plan.call('mmap', [0, 2n ** 64n - 1n, -(2n ** 63n), plan.slotRef(one), plan.slotRef(other), 2 ** 31], {
      ignoreErrors: true,
    });
    plan.call('close', [plan.slotRef(one)], { on: { EBADF: second, EIO: first } });
    plan.call('getpid', []);
    plan.branch(one, 'less', -5, second);
    plan.branch(other, 'notEqual', 2n ** 63n - 1n, second);
    plan.jump(first);
    plan.load(one, plan.variable(Uint8Array.of(9, 8, 7, 0, 0), '{five}', 1), 4);
    plan.store(one, plan.variable(4096, '{zeros}'), 2);
    plan.add(one, -3);
    plan.add(one, plan.slotRef(one));
    plan.load(one, plan.at(one, -8), 4);
    plan.store(one, plan.at(one), 1);
    plan.branch(one, 'less', plan.slotRef(one), second);
    plan.place(second);
    plan.fail(95);
  });
}

/** An operation as decodeImage shows it. */
function expectedRow(plan: Plan, operation: Operation): DecodedRow {
  const to = (label: Label): number => plan.labels[label] ?? Number.NaN;
  const arg = (operand: Operand): bigint | { slot: number } => {
    if (operand.kind === 'slot') return { slot: operand.slot };
    return operand.kind === 'data' ? BigInt(dataAddress(operand)) : BigInt.asIntN(64, operand.value);
  };
  const place = <K extends 'load' | 'store'>(kind: K, of: DataRef | Indirect) =>
    of.kind === 'data'
      ? ({ kind, address: dataAddress(of) } as const)
      : ({ kind: `${kind}At`, base: of.base, offset: BigInt(of.offset) } as const);
  switch (operation.kind) {
    case 'call':
      return {
        kind: 'call',
        name: operation.name,
        args: [...operation.args.map(arg), 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6),
        result: operation.result,
        ignoreErrors: operation.ignoreErrors === true,
        on: (operation.on ?? []).map((handled) => ({ errno: handled.errno, to: to(handled.to) })),
      };
    case 'jump':
      return { kind: 'jump', to: to(operation.to) };
    case 'branch': {
      const { kind, slot, compare, value } = operation;
      return { kind, slot, compare, value: typeof value === 'bigint' ? value : arg(value), to: to(operation.to) };
    }
    case 'load':
      return { ...place('load', operation.from), slot: operation.slot, width: operation.width };
    case 'store':
      return { ...place('store', operation.to), slot: operation.slot, width: operation.width };
    case 'add':
      return { kind: 'add', slot: operation.slot, operand: arg(operation.operand) };
    case 'fail':
      return { kind: 'fail', errno: operation.errno };
  }
}

for (const architecture of ARCHITECTURES) {
  test(`${architecture}: an image decodes to the plan that was encoded`, () => {
    const plan = richPlan();
    const image = decodeImage(encodeImage(plan, architecture), architecture);
    assert.deepEqual(
      image.rows,
      plan.operations.map((operation) => expectedRow(plan, operation)),
    );
    assert.equal(image.failureHandler, plan.labels[plan.failureHandler]);
    assert.deepEqual(image.constant.slice(0, plan.constant.length), Uint8Array.from(plan.constant));
    assert(image.variableSize >= plan.variable.length);
    assert.deepEqual(image.initial.slice(16, 21), Uint8Array.of(9, 8, 7, 0, 0));
    assert(image.initial.length < 32, 'zeros at the end of the variable data take no space');
  });

  const readelf = findProgram('readelf');
  test(`${architecture}: readelf sees a static program, W^X, without an executable stack`, {
    skip: !readelf && 'no readelf',
  }, () => {
    const options = { encoding: 'utf8', env: { LC_ALL: 'C' } } as const;
    const { stdout, stderr } = withFile(encodeImage(richPlan(), architecture), (path) =>
      spawnSync(readelf ?? '', ['--wide', '--file-header', '--program-headers', '--dynamic', path], options),
    );
    assert.equal(stderr, '');
    assert.match(stdout, /Type:\s+EXEC/);
    assert.match(stdout, architecture === 'x64' ? /Machine:\s+Advanced Micro Devices X86-64/ : /Machine:\s+AArch64/);
    assert.match(stdout, /no dynamic section/);
    assert.doesNotMatch(stdout, /INTERP/);
    const entry = Number(stdout.match(/Entry point address:\s+(0x[0-9a-f]+)/)?.[1]);
    const headers = [...stdout.matchAll(/^\s+(LOAD|GNU_STACK)\s+(\S+) (\S+) \S+ (\S+) (\S+) (.{3}) (\S+)/gm)].map(
      ([, type = '', ...rest]) => {
        const [offset = 0, address = 0, , memory = 0, , align = 0] = rest.map(Number);
        return { type, flags: rest[4]?.replaceAll(' ', ''), offset, address, memory, align };
      },
    );
    assert.deepEqual(
      headers.map(({ type, flags }) => `${type} ${flags}`),
      ['LOAD RE', 'LOAD RW', 'LOAD R', 'GNU_STACK RW'],
    );
    const loaded = headers.filter(({ type }) => type === 'LOAD');
    const [code] = loaded;
    assert(code !== undefined && entry > code.address && entry < code.address + code.memory);
    for (const { offset, address, align } of loaded) {
      assert.equal(align, architecture === 'x64' ? 0x1000 : 0x10000);
      assert.equal(offset % 0x10000, address % 0x10000);
    }
    const pages = loaded.flatMap(({ address, memory }) => [address >> 16, (address + memory - 1) >> 16]);
    assert.deepEqual(
      pages,
      [...pages].sort((one, other) => one - other),
    );
    assert(new Set([pages[0], pages[2], pages[4]]).size === 3, 'no two segments in one page of 64 KiB');
  });

  test(`${architecture}: 250 operations with their paths come to less than 32 KiB`, () => {
    const plan = planOf((to) => {
      for (let index = 0; index < 250; index += 1) to.call('mkdirat', [3, `/var/lib/something/${index}`, 0o755]);
    });
    assert(encodeImage(plan, architecture).length < 32 * 1024);
  });
}

test('a plan that the machine cannot carry out is refused', () => {
  const plan = planOf((to) => to.call('getpid', []));
  const step = { sentence: 'wrong' };
  const data = { kind: 'data', segment: 'variable', size: 8, text: '{x}' } as const;
  const wrong: readonly [RegExp, Operation][] = [
    [/slot 64/, { kind: 'call', name: 'getpid', args: [], result: 64 as Slot, step }],
    [/slot 255/, { kind: 'branch', slot: 255 as Slot, compare: 'less', value: 0n, to: plan.failureHandler }],
    [/label 9, which stands for no operation/, { kind: 'jump', to: 9 as Label }],
    [/8 bytes at {x}, outside of the data/, { kind: 'load', slot: 0 as Slot, from: { ...data, offset: 9 }, width: 8 }],
    [
      /store to the constant/,
      { kind: 'store', slot: 0 as Slot, to: { ...data, segment: 'constant', offset: 0 }, width: 8 },
    ],
    [/errno 4096/, { kind: 'fail', errno: 4096, step }],
    [/handles errno 0/, { kind: 'call', name: 'getpid', args: [], on: [{ errno: 0, to: plan.failureHandler }], step }],
    [/handles errno 4,/, { kind: 'call', name: 'getpid', args: [], on: [{ errno: 4, to: plan.failureHandler }], step }],
  ];
  for (const [message, operation] of wrong) {
    assert.throws(
      () => encodeImage({ ...plan, operations: [operation, ...plan.operations] }, 'x64'),
      (error) => error instanceof RuntError && message.test(error.problem.message),
      String(message),
    );
  }
});

test('an image whose control descriptor is not there ends at once, and not with success', nativeOnly, () => {
  const plan = planOf((to) => to.call('fcntl', [3, to.value(1, 'F_GETFD')]));
  assert.equal(runPlan(plan, native ?? 'x64').status, 9); // EBADF
});

test('every errno up to 4095 is an error, and only that', nativeOnly, () => {
  for (const errno of [1, 4095]) {
    const plan = planOf((to) => {
      // A seccomp filter (seccomp(2)) gives getppid that errno: load nr; if it is getppid, return the errno; else allow.
      const filter = Buffer.alloc(32);
      for (const [index, [code = 0, jt = 0, jf = 0, k = 0]] of [
        [0x20],
        [0x15, 0, 1, SYSCALL_NUMBERS[native ?? 'x64'].getppid],
        [0x06, 0, 0, 0x00050000 + errno],
        [0x06, 0, 0, 0x7fff0000],
      ].entries()) {
        filter.writeUInt16LE(code, 8 * index);
        filter.set([jt, jf], 8 * index + 2);
        filter.writeUInt32LE(k, 8 * index + 4);
      }
      const program = Buffer.alloc(16);
      program.writeUInt16LE(4, 0);
      program.writeBigUInt64LE(to.address(to.constant(filter, '{filter}')), 8);
      to.call('prctl', [to.value(38, 'PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0]);
      to.call('seccomp', [to.value(1, 'SECCOMP_SET_MODE_FILTER'), 0, to.constant(program, '{program}')]);
      to.call('getppid', []);
      to.call('exit_group', [0]);
    });
    assert.equal(runPlan(plan, native ?? 'x64').status, errno & 0xff);
  }
});

/** Starts the plan, and waits until it has written a byte; the file may be removed then. */
async function started(plan: Plan): Promise<ChildProcess & { pid: number }> {
  const child = withFile(encodeImage(plan, native ?? 'x64'), (path) =>
    spawn(path, [], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  await once(child.stdout, 'data');
  return Object.assign(child, { pid: child.pid ?? 0 });
}

/** The next state of the process in proc(5)'s letters. */
async function untilState(pid: number, letter: string): Promise<void> {
  const state = () => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '')[0];
  while (state() !== letter) await sleep(1);
}

test('a call that a stop signal interrupts is made again', nativeOnly, async () => {
  const plan = planOf((to) => {
    const [epoll, ready] = [to.slot(), to.slot()];
    to.call('epoll_create1', [0], { result: epoll });
    const readable = to.constant(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), '{EPOLLIN}');
    to.call('epoll_ctl', [to.slotRef(epoll), 1, 0, readable]);
    to.call('write', [1, '.', 1]);
    // signal(7): epoll_wait fails with EINTR after a stop and SIGCONT, also where there is no handler.
    to.call('epoll_pwait', [to.slotRef(epoll), to.variable(16, '{event}'), 1, -1, 0, 8], { result: ready });
    to.call('exit_group', [to.slotRef(ready)]);
  });
  const child = await started(plan);
  const ended = once(child, 'exit');
  await untilState(child.pid, 'S');
  child.kill('SIGSTOP');
  await untilState(child.pid, 'T');
  child.kill('SIGCONT');
  await untilState(child.pid, 'S');
  child.stdin?.end('x');
  assert.deepEqual(await ended, [1, null]);
});

test('a waiting image has at most 16 KiB of private memory, and what its file has', nativeOnly, async () => {
  for (const operations of [0, 240]) {
    const plan = planOf((to) => {
      for (let index = 0; index < operations; index += 1) to.call('getpid', []);
      to.call('write', [1, '.', 1]);
      to.call('ppoll', [0, 0, 0, 0, 0]);
    });
    const child = await started(plan);
    const ended = once(child, 'exit');
    const memory = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'latin1');
    child.kill('SIGKILL');
    await ended;
    const kib = [...memory.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
    assert(kib > 0 && kib <= 16 + Math.ceil(encodeImage(plan, native ?? 'x64').length / 1024), `${kib} KiB`);
  }
});
