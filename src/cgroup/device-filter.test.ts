import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { compileDeviceFilter, INSTRUCTION, OPCODE } from './device-filter.ts';
import { ACCESS, type DeviceRule, devicePolicy, exceptionsOf, formatException } from './device-rules.ts';

interface Access {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: number;
}

/** Runs the program as the kernel would, and holds it to what the verifier asks: forward jumps inside, nothing read before it is written. */
function run(program: Uint8Array, { type, major, minor, access }: Access): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const context = [(access << 16) | (type === 'b' ? 1 : 2), major, minor];
  const registers: (bigint | 'context' | undefined)[] = [undefined, 'context'];
  const read = (register: number): bigint => {
    const value = registers[register];
    assert.equal(typeof value, 'bigint', `r${register} is read before it is written`);
    return BigInt(value ?? 0);
  };
  for (let at = 0; ; at += INSTRUCTION) {
    assert.ok(at < program.length, 'the program runs out of its end');
    const destination = view.getUint8(at + 1) & 15;
    const source = view.getUint8(at + 1) >> 4;
    const offset = view.getInt16(at + 2, true);
    const immediate = view.getInt32(at + 4, true);
    const low = (value: bigint) => BigInt.asUintN(32, value);
    const extended = BigInt.asUintN(64, BigInt(immediate));
    assert.ok(offset >= 0, 'it jumps back');
    switch (view.getUint8(at)) {
      case OPCODE.loadWord:
        assert.equal(registers[source], 'context');
        registers[destination] = BigInt(context[offset / 4] ?? assert.fail('it reads behind the context'));
        break;
      case OPCODE.moveImmediate:
        registers[destination] = extended;
        break;
      case OPCODE.moveRegister:
        registers[destination] = read(source);
        break;
      case OPCODE.andImmediate:
        registers[destination] = read(destination) & extended;
        break;
      case OPCODE.shiftRightImmediate:
        registers[destination] = read(destination) >> BigInt(immediate);
        break;
      case OPCODE.jumpIfNotEqual:
        if (low(read(destination)) !== low(extended)) at += offset * INSTRUCTION;
        break;
      case OPCODE.jumpIfAnySet:
        if ((low(read(destination)) & low(extended)) !== 0n) at += offset * INSTRUCTION;
        break;
      case OPCODE.jump:
        at += offset * INSTRUCTION;
        break;
      case OPCODE.exit:
        return read(0) === 1n;
      default:
        assert.fail(`unknown opcode ${view.getUint8(at)}`);
    }
  }
}

/** What the specification says: rules in order, the last that matches an access decides it. */
function allowedByRules(rules: readonly DeviceRule[], { type, major, minor, access }: Access): boolean {
  return Object.entries(ACCESS).every(([letter, bit]) => {
    if ((access & bit) === 0) return true;
    let allowed = false;
    for (const rule of rules) {
      const typeMatches = rule.type === undefined || rule.type === 'a' || rule.type === type;
      const numberMatches = (wanted: number | undefined, number: number) =>
        wanted === undefined || wanted === -1 || wanted === number;
      if (!typeMatches || !numberMatches(rule.major, major) || !numberMatches(rule.minor, minor)) continue;
      if ((rule.access ?? 'rwm').includes(letter)) allowed = rule.allow;
    }
    return allowed;
  });
}

/** The rules that every container has after its own, written down once more. */
const ALWAYS: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[3, 5, 7, 8, 9].map((minor) => ({ allow: true, type: 'c', major: 1, minor })),
  { allow: true, type: 'c', major: 5, minor: 0 },
  { allow: true, type: 'c', major: 5, minor: 2 },
  { allow: true, type: 'c', major: 136 },
  { allow: true, type: 'c', major: 10, minor: 200 },
];

/** cgroup v1 as the kernel has it (security/device_cgroup.c), for a cgroup whose parent allows everything. */
function v1Kernel() {
  let behavior: 'allow' | 'deny' = 'allow';
  let list: { type: string; major: string; minor: string; access: Set<string> }[] = [];
  const write = (file: 'allow' | 'deny', line: string) => {
    if (line === 'a') {
      behavior = file;
      list = [];
      return;
    }
    const [type = '', numbers = '', access = ''] = line.split(' ');
    const [major = '', minor = ''] = numbers.split(':');
    const same = list.find((other) => other.type === type && other.major === major && other.minor === minor);
    if (file !== behavior && same === undefined) list.push({ type, major, minor, access: new Set(access) });
    else if (file !== behavior) for (const letter of access) same?.access.add(letter);
    else for (const letter of access) same?.access.delete(letter);
  };
  const check = ({ type, major, minor, access }: Access): boolean => {
    const letters = Object.entries(ACCESS).flatMap(([letter, bit]) => ((access & bit) === 0 ? [] : [letter]));
    const matching = list.filter(
      (other) =>
        other.type === type &&
        (other.major === '*' || Number(other.major) === major) &&
        (other.minor === '*' || Number(other.minor) === minor),
    );
    if (behavior === 'deny') return matching.some((other) => letters.every((letter) => other.access.has(letter)));
    return !matching.some((other) => letters.some((letter) => other.access.has(letter)));
  };
  return { write, check };
}

const NUMBERS = [0, 1, 3, 5, 136, 4095, 0x7fffffff, 0x80000000, 0xfffffffe];

function* accesses(): Generator<Access> {
  for (const type of ['b', 'c'] as const)
    for (const major of NUMBERS)
      for (const minor of NUMBERS) for (let access = 1; access < 8; access++) yield { type, major, minor, access };
}

/** The same sequence of numbers in every run (a linear congruential generator). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomRules(next: (below: number) => number): DeviceRule[] {
  const pick = <T>(values: readonly T[]): T => values[next(values.length)] as T;
  return Array.from({ length: next(7) }, () => ({
    allow: next(2) === 0,
    type: pick([undefined, 'a', 'b', 'c', 'c', 'b']),
    major: pick([undefined, -1, ...NUMBERS.slice(0, 5), 0x80000000]),
    minor: pick([undefined, undefined, -1, ...NUMBERS.slice(0, 4), 0xfffffffe]),
    access: pick([undefined, 'rwm', 'rwm', 'r', 'w', 'rw', 'm', 'wm']),
  }));
}

test('the program decides every access as the last rule that matches it', () => {
  const next = random(1);
  for (let round = 0; round < 150; round++) {
    const rules = randomRules(next);
    const program = compileDeviceFilter(devicePolicy(rules));
    for (const access of accesses())
      assert.equal(
        run(program, access),
        allowedByRules([...rules, ...ALWAYS], access),
        JSON.stringify({ rules, access }),
      );
  }
});

test('what v1 is told means the same there, but for accesses that only two exceptions together allow', () => {
  const next = random(2);
  let compared = 0;
  for (let round = 0; round < 300; round++) {
    const rules = randomRules(next);
    const policy = devicePolicy(rules);
    let lines: readonly string[];
    try {
      lines = exceptionsOf(policy).map(formatException);
    } catch (error) {
      assert.ok(error instanceof RuntError);
      continue;
    }
    compared++;
    const kernel = v1Kernel();
    kernel.write(policy.allowByDefault ? 'allow' : 'deny', 'a');
    for (const line of lines) kernel.write(policy.allowByDefault ? 'deny' : 'allow', line);
    const program = compileDeviceFilter(policy);
    for (const access of accesses()) {
      const allowed = run(program, access);
      const single = [ACCESS.r, ACCESS.w, ACCESS.m].some((bit) => bit === access.access);
      if (single) assert.equal(kernel.check(access), allowed, JSON.stringify({ rules, access }));
      else assert.ok(allowed || !kernel.check(access), JSON.stringify({ rules, access }));
    }
  }
  assert.ok(compared > 100, `only ${compared} of 300 rule lists can be said in v1`);
});

test('a denied write also denies opening for reading and writing', () => {
  const program = compileDeviceFilter(
    devicePolicy([{ allow: true }, { allow: false, type: 'b', major: 8, minor: 0, access: 'w' }]),
  );
  const disk = { type: 'b', major: 8, minor: 0 } as const;
  assert.equal(run(program, { ...disk, access: ACCESS.r }), true);
  assert.equal(run(program, { ...disk, access: ACCESS.r | ACCESS.w }), false);
});

test('the program for the rules of a default config is small', () => {
  assert.ok(compileDeviceFilter(devicePolicy([{ allow: false, access: 'rwm' }])).length <= 64 * INSTRUCTION);
});
