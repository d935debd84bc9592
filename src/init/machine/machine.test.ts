import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Architecture } from '../../linux/syscall-numbers.ts';
import type { PlanBuilder } from '../builder.ts';
import type { Comparison, Plan, Slot, Width } from '../plan.ts';
import { SLOTS, STACK_SLOT } from '../plan.ts';
import { arm64 } from './arm64.ts';
import { CODE } from './code.ts';
import { interpret } from './reference.ts';
import { dumped, dumpingPlan, findProgram, runnerOf, runPlan, withFile } from './run-image.ts';
import { x86_64 } from './x86-64.ts';

const MACHINES = [
  {
    architecture: 'x64',
    machine: x86_64,
    objdump: ['x86_64-linux-gnu-objdump', 'objdump'],
    flags: ['i386:x86-64', 'intel'],
  },
  { architecture: 'arm64', machine: arm64, objdump: ['aarch64-linux-gnu-objdump', 'objdump'], flags: ['aarch64'] },
] as const;

/** White space folded; without objdump's remarks behind the instruction. */
function folded(mnemonic: string): string {
  return mnemonic
    .replace(/\s*(\/\/|#\s|<).*$/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

for (const { architecture, machine, objdump, flags } of MACHINES) {
  const bytes = Uint8Array.from(machine.instructions().flatMap((instruction) => instruction.bytes));

  test(`${architecture}: what the image contains is the table, assembled`, () => {
    assert.equal(CODE[architecture], Buffer.from(bytes).toString('hex'));
  });

  const program = findProgram(...objdump);
  test(`${architecture}: objdump reads the code as the table says`, {
    skip: program === undefined && 'no objdump',
  }, (t) => {
    const [cpu, syntax] = flags;
    const options = ['-D', '-b', 'binary', '-m', cpu, ...(syntax === undefined ? [] : ['-M', syntax])];
    const { status, stdout } = withFile(bytes, (path) =>
      spawnSync(program ?? '', [...options, path], { encoding: 'utf8' }),
    );
    if (status !== 0) return t.skip(`this objdump does not know ${cpu}`);
    // Long instructions go on in a line of bytes alone.
    const lines = stdout.split('\n').flatMap((line) => line.match(/^\s*[0-9a-f]+:\t[0-9a-f ]+\t(.*)$/)?.slice(1) ?? []);
    assert.deepEqual(
      lines.map(folded),
      machine.instructions().map(({ mnemonic }) => mnemonic),
    );
  });
}

// ---- programs, carried out by the machine and by the reference interpreter ----

const EDGES = [8n, 16n, 31n, 32n, 63n]
  .flatMap((bits) => [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n])
  .concat([0n, 1n, -1n, -4n, -4094n, -4095n, -4096n, 100n])
  .map((value) => BigInt.asIntN(64, value));
const WIDTHS: readonly Width[] = [1, 2, 4, 8];
const COMPARISONS: readonly Comparison[] = ['equal', 'notEqual', 'less', 'greaterOrEqual'];
const FILE = { fd: 100n, content: Buffer.from('sixteen bytes ok') };
const [FD_CLOEXEC, SEEK_SET, SEEK_CUR] = [1, 0, 1];

/** Numbers that look random and are the same in each run (xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Emits the calls that make FILE exist; leaves slot 0 as close(2) does. */
function openFile(plan: PlanBuilder): void {
  plan.withSlot((fd) => {
    plan.call('memfd_create', ['test', FD_CLOEXEC], { result: fd });
    plan.call('write', [plan.slotRef(fd), plan.constant(FILE.content, '{content}'), FILE.content.length]);
    plan.call('dup3', [plan.slotRef(fd), FILE.fd, 0]);
    plan.call('close', [plan.slotRef(fd)], { result: fd });
  });
  plan.call('lseek', [FILE.fd, 0, SEEK_SET]);
  plan.call('umask', [0]);
  plan.load(STACK_SLOT, plan.constant(new Uint8Array(8), '{0}'));
}
const OPENING = 7;

/** A random program: jumps go forward only, so that it ends. */
function randomPlan(seed: number): Plan {
  const below = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return dumpingPlan((plan) => {
    openFile(plan);
    const slot = (): Slot => below(SLOTS) as Slot;
    const edges = plan.constant(new Uint8Array(BigInt64Array.from(EDGES).buffer), '{edges}');
    const memory = plan.variable(
      Uint8Array.from({ length: 64 }, () => below(256)),
      '{memory}',
    );
    const zero = plan.constant(new Uint8Array(8), '{0}');
    const count = 20 + below(100);
    const labels = Array.from({ length: count + 1 }, () => plan.label());
    const value = () => (below(2) === 0 ? plan.value(pick(EDGES)) : plan.slotRef(slot()));
    for (const [index, own] of labels.entries()) {
      plan.place(own);
      if (index === count) break;
      const later = () => labels[index + 1 + below(Math.min(6, count - index))] ?? own;
      const options = {
        ...(below(4) === 0 ? {} : { result: slot() }),
        ...(below(3) === 0 ? {} : { ignoreErrors: true }),
        on: pick([
          {},
          {},
          { EBADF: later() },
          { ENOENT: later(), EINVAL: later() },
          { EINVAL: later(), EBADF: later() },
        ]),
      };
      const fd = () => pick([plan.value(FILE.fd), plan.value(FILE.fd), value()]);
      const emit: (() => void)[] = [
        () => plan.call('umask', [value()], options),
        () => plan.call('lseek', [fd(), value(), pick([SEEK_SET, SEEK_CUR])], options),
        () => plan.call('pread64', [fd(), plan.addressOf(memory, below(49)), below(17), below(20)], options),
        () => plan.load(slot(), plan.addressOf(edges, 8 * below(EDGES.length))),
        () => plan.load(slot(), plan.addressOf(pick([edges, memory]), below(57)), pick(WIDTHS)),
        () => plan.store(slot(), plan.addressOf(memory, below(57)), pick(WIDTHS)),
        () => plan.branch(slot(), pick(COMPARISONS), pick(EDGES), later()),
        () => plan.branch(slot(), pick(COMPARISONS), plan.slotRef(slot()), later()),
        () => plan.add(slot(), value()),
        () => {
          const [base, to] = [slot(), slot()];
          const offset = below(100) - 50;
          plan.load(base, zero);
          plan.add(base, plan.addressOf(pick([edges, memory]), below(57)));
          plan.add(base, -offset);
          plan.load(to, plan.at(base, offset), pick(WIDTHS));
        },
        () => {
          const [base, from] = [slot(), slot()];
          plan.load(base, zero);
          plan.add(base, plan.addressOf(memory, below(57)));
          plan.store(from, plan.at(base), pick(WIDTHS));
        },
      ];
      pick(emit)();
      if (below(40) === 0) plan.jump(later());
      if (below(400) === 0) plan.fail(1 + below(4095));
    }
  });
}

/** Runs both; says how the program went. What opens the file is not modelled, but done before the model begins. */
function compareWithReference(plan: Plan, architecture: Architecture): 'failed' | 'ended' {
  const world = { slots: new BigUint64Array(SLOTS), variable: Buffer.from(plan.variable), umask: 0n, position: 0n };
  const end = plan.labels[plan.failureHandler] ?? 0;
  const opened = {
    ...plan,
    operations: plan.operations.map((operation, index) => (index < OPENING ? NOTHING : operation)),
  };
  interpret(opened, end, FILE, world);
  const outcome = runPlan(plan, architecture);
  assert.deepEqual({ status: outcome.status, signal: outcome.signal }, { status: 0, signal: null });
  const { slots, variable } = dumped(outcome);
  assert.deepEqual(slots, world.slots);
  assert.equal(variable.toString('hex'), world.variable.toString('hex'));
  return world.variable.readBigUInt64LE(8) === 0n ? 'ended' : 'failed';
}
const NOTHING = { kind: 'call', name: 'umask', args: [], step: { sentence: 'nothing' } } as const;

for (const [architecture, programs] of [
  ['x64', 150],
  ['arm64', 40],
] as const) {
  const runner = runnerOf(architecture);
  const options = { skip: 'missing' in runner && runner.missing };

  test(
    `${architecture}: random programs leave the slots and the data that the reference interpreter leaves`,
    options,
    () => {
      const outcomes = { failed: 0, ended: 0 };
      for (let seed = 1; seed <= programs; seed += 1) {
        try {
          outcomes[compareWithReference(randomPlan(seed * 7919), architecture)] += 1;
        } catch (error) {
          throw new Error(`the program of seed ${seed * 7919}`, { cause: error });
        }
      }
      // The generator is good for something: programs get to their end, and programs fail, a fifth of them at least.
      assert(Math.min(outcomes.failed, outcomes.ended) >= programs / 5, JSON.stringify(outcomes));
    },
  );

  test(`${architecture}: slots hold 64 bits exactly`, options, () => {
    const plan = dumpingPlan((to) => {
      const edges = to.constant(new Uint8Array(BigInt64Array.from(EDGES).buffer), '{edges}');
      const copies = to.variable(8 * EDGES.length, '{copies}');
      for (const index of EDGES.keys()) {
        const slot = to.slot();
        to.load(slot, to.addressOf(edges, 8 * index));
        to.store(slot, to.addressOf(copies, 8 * index));
      }
    });
    const { slots, variable } = dumped(runPlan(plan, architecture));
    assert.deepEqual(new BigInt64Array(slots.buffer, 0, EDGES.length), BigInt64Array.from(EDGES));
    assert.deepEqual([...variable.subarray(16)], [...new Uint8Array(BigInt64Array.from(EDGES).buffer)]);
  });

  test(`${architecture}: comparisons are signed and of all 64 bits`, options, () => {
    const values = EDGES.slice(0, 16);
    for (const compare of COMPARISONS) {
      const plan = dumpingPlan((to) => {
        const edges = to.constant(new Uint8Array(BigInt64Array.from(EDGES).buffer), '{edges}');
        const holds = to.variable(values.length * EDGES.length, '{holds}');
        const [slot, one] = [to.slot(), to.slot()];
        to.call('lseek', [99, 0, 0], { result: one, ignoreErrors: true }); // -EBADF: the low byte is 0xf7
        for (const [row, value] of values.entries()) {
          for (const column of EDGES.keys()) {
            const [yes, next] = [to.label(), to.label()];
            to.load(slot, to.addressOf(edges, 8 * column));
            to.branch(slot, compare, value, yes);
            to.jump(next);
            to.place(yes);
            to.store(one, to.addressOf(holds, row * EDGES.length + column), 1);
            to.place(next);
          }
        }
      });
      const { variable } = dumped(runPlan(plan, architecture));
      const expected = values.flatMap((value) =>
        EDGES.map((edge) => {
          const holds = {
            equal: edge === value,
            notEqual: edge !== value,
            less: edge < value,
            greaterOrEqual: edge >= value,
          };
          return holds[compare] ? 0xf7 : 0;
        }),
      );
      assert.deepEqual([...variable.subarray(16, 16 + expected.length)], expected, compare);
    }
  });

  test(`${architecture}: a loop goes back as often as its condition holds`, options, () => {
    const plan = dumpingPlan((to) => {
      openFile(to);
      const count = to.slot();
      const again = to.label();
      to.place(again);
      to.call('lseek', [FILE.fd, 1, SEEK_CUR], { result: count });
      to.branch(count, 'less', 10_000, again);
    });
    assert.equal(dumped(runPlan(plan, architecture)).slots[0], 10_000n);
  });

  test(`${architecture}: the last slot begins with the stack pointer, where the arguments are counted`, options, () => {
    const plan = dumpingPlan((to) => {
      const [count, program] = [to.slot(), to.slot()];
      to.load(count, to.at(STACK_SLOT));
      to.load(program, to.at(STACK_SLOT, 8));
      to.load(program, to.at(program), 1);
    });
    const { slots } = dumped(runPlan(plan, architecture));
    assert.equal(slots[0], 1n);
    assert.equal(slots[1], BigInt('/'.charCodeAt(0)));
  });

  test(`${architecture}: all six arguments of a call arrive, from slots and from immediates`, options, () => {
    const size = 0x10000;
    const plan = dumpingPlan((to) => {
      const [fd, one, other] = [to.slot(), to.slot(), to.slot()];
      const [first, second] = [to.variable(size, '{first}', size), to.variable(size, '{second}', size)];
      to.call('memfd_create', ['pages', 0], { result: fd });
      to.call('ftruncate', [to.slotRef(fd), 2 * size]);
      to.call('pwrite64', [to.slotRef(fd), 'ABCDEFG', 8, size]);
      // PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED: the file's second half appears in place of the variable data.
      to.call('mmap', [first, size, 3, 0x11, to.slotRef(fd), size], { result: one });
      const slots = [to.address(second), BigInt(size), 3n, 0x11n, undefined, BigInt(size)].map((value) => {
        if (value === undefined) return to.slotRef(fd);
        const slot = to.slot();
        to.load(slot, to.constant(new Uint8Array(BigInt64Array.of(value).buffer), String(value)));
        return to.slotRef(slot);
      });
      to.call('mmap', slots, { result: other });
      to.load(one, first);
      to.load(other, second);
      to.call('munmap', [first, 2 * size]);
      // From here on the variable data is gone, but for what lies before it: the slots and the failure record.
      to.call('write', [1, to.value(0x1001_0000, '{slots}'), SLOTS * 8]);
      to.call('exit_group', [42]);
    });
    const { status, stdout } = runPlan(plan, architecture);
    assert.equal(status, 42);
    assert.equal(stdout.subarray(8, 24).toString('latin1'), 'ABCDEFG\0ABCDEFG\0');
  });

  test(`${architecture}: a plan that runs off its end traps`, options, () => {
    const plan = dumpingPlan((to) => to.call('umask', [0]));
    const outcome = runPlan({ ...plan, operations: plan.operations.slice(0, 2), labels: [0] }, architecture);
    assert.equal(outcome.signal ?? (outcome.status === 132 ? 'SIGILL' : outcome.status), 'SIGILL');
  });

  test(`${architecture}: a failure handler that fails traps, it does not loop`, options, () => {
    const plan = dumpingPlan((to) => to.call('fcntl', [99, 1]));
    const failing = plan.operations.map((operation, index) => (index === 1 && plan.operations[0]) || operation);
    const outcome = runPlan({ ...plan, operations: failing }, architecture);
    assert.equal(outcome.signal ?? (outcome.status === 132 ? 'SIGILL' : outcome.status), 'SIGILL');
  });
}
