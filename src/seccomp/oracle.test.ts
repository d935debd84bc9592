// Our filters against those of libseccomp: both programs are carried out for every number and the arguments around every bound.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { Seccomp, SeccompAction, SeccompArg, SeccompRule } from '../spec/generated/types.ts';
import { interfaceOf, numbersOf } from './architectures.ts';
import { compileSeccomp, type SeccompFilter } from './compile.ts';
import { multiplexed } from './multiplexed.ts';
import { ENOSYS, FILTERED_ARCHITECTURES, type FilteredArchitecture, OPERATORS } from './names.ts';
import { returned } from './rules.ts';
import { libseccomp, NO_LIBSECCOMP, type Oracle, seeded } from './test-support.ts';
import { verdictOf } from './verdict.ts';

const oracle = libseccomp();
const skip = oracle === undefined ? NO_LIBSECCOMP : false;
const X64: readonly FilteredArchitecture[] = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86'];
const ARM64: readonly FilteredArchitecture[] = ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'];
const SETS: readonly (readonly FilteredArchitecture[])[] = [
  X64,
  ARM64,
  ['SCMP_ARCH_X86_64'],
  ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'],
];
const MAX = (1n << 64n) - 1n;
const NEWER = 0x50000 + ENOSYS;

function compile(profile: Seccomp, architectures: readonly FilteredArchitecture[]): SeccompFilter {
  return compileSeccomp(profile, { machine: 'x64', interfaces: architectures.map(interfaceOf) });
}

/** Only names that this libseccomp knows: its tables may be older than ours. */
function known(oracle: Oracle, profile: Seccomp): Seccomp {
  const names = (rule: SeccompRule): string[] => rule.names.filter((name) => sameEverywhere(oracle, name));
  const syscalls = (profile.syscalls ?? []).map((rule) => ({ ...rule, names: names(rule) }));
  return { ...profile, syscalls: syscalls.filter((rule) => rule.names.length > 0) };
}

/** Every argument around every bound of the profile, one at a time and all together. */
function argumentLists(args: readonly SeccompArg[]): bigint[][] {
  const lists: bigint[][] = [[0n, 0n, 0n, 0n, 0n, 0n], new Array<bigint>(6).fill(MAX)];
  const near = ({ value, valueTwo = 0 }: SeccompArg): bigint[] => {
    const [a, b] = [BigInt(value), BigInt(valueTwo)];
    const bounds = [a, a & b, a ^ (1n << 32n)];
    return bounds.flatMap((bound) => [bound, bound + 1n, bound - 1n]).map((one) => one & MAX);
  };
  const met = args.map((argument) => ({ index: argument.index, values: [...new Set(near(argument))] }));
  for (const { index, values } of met) {
    for (const value of values) {
      const list = [0n, 0n, 0n, 0n, 0n, 0n];
      list[index] = value;
      lists.push(list);
    }
  }
  // What meets all the equalities of a rule, and around it.
  for (let which = 0; which < 12; which++) {
    const list = [0n, 0n, 0n, 0n, 0n, 0n];
    for (const { index, values } of met) list[index] = values[which % values.length] ?? 0n;
    lists.push(list);
  }
  return lists;
}

const NUMBERS = [...Array(600).keys()];
const FAR = [
  0xf0000,
  0xf0001,
  0xf0005,
  0xf0006,
  0x3fffffff,
  0x40000000 + 600,
  0x7fffffff,
  0x80000000,
  0xfffffffe,
  0xffffffff,
];

const PLAIN = [[0n, 0n, 0n, 0n, 0n, 0n]];
/** First arguments of socketcall and ipc, with others for the rules that look at those, too. */
const SELECTORS = [...Array(26).keys()].flatMap((selector) =>
  [0n, 5n, 0xffffffffn].map((other) => [BigInt(selector), other, other, other, other, other]),
);
const MULTIPLEXERS = ['socketcall', 'ipc'];

/** Calls compared; calls for which libseccomp says what no rule says; calls that several rules are about, of which it prefers another. */
const counted = { calls: 0, wrong: 0, ambiguous: 0 };

const HOLDS: Readonly<Record<SeccompArg['op'], (argument: bigint, value: bigint, second: bigint) => boolean>> = {
  SCMP_CMP_NE: (argument, value) => argument !== value,
  SCMP_CMP_LT: (argument, value) => argument < value,
  SCMP_CMP_LE: (argument, value) => argument <= value,
  SCMP_CMP_EQ: (argument, value) => argument === value,
  SCMP_CMP_GE: (argument, value) => argument >= value,
  SCMP_CMP_GT: (argument, value) => argument > value,
  SCMP_CMP_MASKED_EQ: (argument, mask, value) => (argument & mask) === (value & mask),
};

/** What the rules that hold for a call say, by their definition; of a rule without conditions alone, if there is one; else the default. */
function verdictsOf(profile: Seccomp, name: string, words: 32 | 64, list: readonly bigint[]): Set<number> {
  const standard = returned(profile.defaultAction, profile.defaultErrnoRet);
  const bits = words === 64 ? MAX : 0xffffffffn;
  const found = new Set<number>();
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const verdict = returned(action, errnoRet);
    if (!names.includes(name) || verdict === standard) continue;
    const says = args.filter(({ op, value }) => op !== 'SCMP_CMP_MASKED_EQ' || (BigInt(value) & bits) !== 0n);
    const repeated = new Set(args.map(({ index }) => index)).size < args.length;
    if (says.length === 0 || (repeated && says.length < args.length)) return new Set([verdict]);
    const holds = ({ index, op, value, valueTwo = 0 }: SeccompArg): boolean =>
      HOLDS[op]((list[index] ?? 0n) & bits, BigInt(value) & bits, BigInt(valueTwo) & bits);
    if (repeated ? args.some(holds) : args.every(holds)) found.add(verdict);
  }
  return found.size === 0 ? new Set([standard]) : found;
}

/** The conditions of all rules of each call. */
function conditionsByName({ syscalls = [] }: Seccomp): Map<string, SeccompArg[]> {
  const found = new Map<string, SeccompArg[]>();
  for (const { names, args = [] } of syscalls) {
    for (const name of names) found.set(name, [...(found.get(name) ?? []), ...args]);
  }
  return found;
}

function compare(
  profile: Seccomp,
  architectures: readonly FilteredArchitecture[],
  theirs: Uint8Array,
  what: string,
): void {
  const filter = compile(profile, architectures);
  const ours = filter.program;
  const conditional = conditionsByName(profile);
  for (const { of, highest } of filter.rules.interfaces) {
    const byNumber = new Map([...numbersOf(of)].map(([name, number]) => [number, name]));
    const isNewer = (number: number): boolean =>
      number >= of.bit && number - of.bit > highest && number - of.bit < of.own;
    const x32 = architectures.includes('SCMP_ARCH_X32');
    for (const number of [...NUMBERS.map((one) => one + of.bit), ...FAR]) {
      // Numbers that belong to the other of the two that share an AUDIT_ARCH.
      if (of.name === 'SCMP_ARCH_X32' && number < of.bit) continue;
      if (of.name === 'SCMP_ARCH_X86_64' && number >= 0x40000000 && x32) continue;
      const name = byNumber.get(number - of.bit) ?? '';
      const args = conditional.get(name) ?? [];
      const lists = MULTIPLEXERS.includes(name) ? SELECTORS : args.length === 0 ? PLAIN : argumentLists(args);
      for (const list of lists) {
        const call = { number, architecture: of.audit, args: list };
        const mine = verdictOf(ours, call);
        const expected = verdictOf(theirs, call);
        const context = (): string => {
          const about = (profile.syscalls ?? []).filter(({ names }) => names.includes(name));
          const rules = JSON.stringify(about.map((rule) => ({ ...rule, names: [name] })));
          const verdicts = `0x${mine?.toString(16)}, libseccomp 0x${expected?.toString(16)}`;
          return `${what}: ${of.name} ${name} ${number} (${list.join(', ')}): ${verdicts}: ${rules}, default ${profile.defaultAction}`;
        };
        counted.calls += 1;
        if (mine === NEWER && isNewer(number) && !(of.name === 'SCMP_ARCH_X86_64' && number >= 0x40000000)) continue;
        const holding =
          args.length === 0 || MULTIPLEXERS.includes(name) ? undefined : verdictsOf(profile, name, of.words, list);
        // By the definition, whatever libseccomp says.
        if (holding !== undefined) assert.ok(holding.has(mine ?? -1), context());
        if (mine === expected) continue;
        // Through socketcall and ipc the conditions of many calls meet.
        if (holding === undefined && !MULTIPLEXERS.includes(name)) assert.fail(context());
        if (holding !== undefined && !holding.has(expected ?? -1)) counted.wrong += 1;
        else counted.ambiguous += 1;
      }
    }
  }
  for (const architecture of [0, 0xc00000f3]) {
    const call = { number: 1, architecture, args: [] };
    assert.equal(verdictOf(ours, call), verdictOf(theirs, call), `${what}: an architecture that is not listed`);
  }
}

// --- profiles of engines ------------------------------------------------------------------------------------------------

function folderOf(start: string, name: string): string | undefined {
  const root = process.env['RUNT_SHARED'] ?? join(start, '../shared');
  return existsSync(join(root, name)) ? join(root, name) : undefined;
}

function profilesOfEngines(folder: string): [string, Seccomp][] {
  const seen = new Set<string>();
  return readdirSync(folder)
    .sort()
    .flatMap((file): [string, Seccomp][] => {
      const { linux } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { linux?: { seccomp?: Seccomp } };
      const text = JSON.stringify(linux?.seccomp);
      if (linux?.seccomp === undefined || seen.has(text)) return [];
      seen.add(text);
      return [[file, linux.seccomp]];
    });
}

const shared = folderOf(process.cwd(), 'configs');
test('the profiles that Docker, containerd and Podman wrote do what libseccomp makes of them', {
  skip: skip || (shared === undefined ? 'the folder of captured configs is not here' : false),
}, () => {
  if (oracle === undefined || shared === undefined) return;
  for (const [file, profile] of profilesOfEngines(shared)) {
    const usable = known(oracle, profile);
    for (const architectures of [X64, ARM64, ['SCMP_ARCH_X86_64'] as const]) {
      const theirs = oracle.compile(usable, architectures);
      assert.ok(theirs, file);
      Object.assign(counted, { calls: 0, wrong: 0, ambiguous: 0 });
      compare(usable, architectures, theirs, `${file} for ${architectures}`);
      assert.deepEqual([counted.wrong, counted.ambiguous], [0, 0], file);
    }
  }
});

/** Made like the profiles of engines: what is usual is allowed, the rest refused, some of it by its arguments. */
function usualProfile(names: readonly string[]): Seccomp {
  const dangerous =
    /^(add_key|bpf|clock_settime|clone|create_module|delete_module|finit_module|fs(config|mount|open|pick)|init_module|io_uring|kexec|keyctl|lookup_dcookie|mount|move_|open_by|open_tree|perf_|personality|pivot_root|process_vm|ptrace|quotactl|reboot|request_key|set(domain|host)name|setns|socket$|swap|umount|unshare|userfaultfd|vm86)/;
  const allow = (name: string, ...args: SeccompArg[]): SeccompRule => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args,
  });
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: names.filter((name) => !dangerous.test(name)), action: 'SCMP_ACT_ALLOW' },
      ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((value) =>
        allow('personality', { index: 0, value, op: 'SCMP_CMP_EQ' }),
      ),
      allow('clone', { index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
      allow('socket', { index: 0, value: 40, op: 'SCMP_CMP_LT' }),
      allow('socket', { index: 0, value: 40, op: 'SCMP_CMP_GT' }),
      { names: ['clone3', 'io_uring_setup'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      { names: ['kexec_load', 'bpf'], action: 'SCMP_ACT_KILL_PROCESS' },
    ],
  };
}

test('a profile like those of engines does what libseccomp makes of it', { skip }, () => {
  if (oracle === undefined) return;
  const all = new Set(FILTERED_ARCHITECTURES.flatMap((name) => [...numbersOf(interfaceOf(name)).keys()]));
  const profile = known(oracle, usualProfile([...all]));
  for (const architectures of SETS) {
    const theirs = oracle.compile(profile, architectures);
    assert.ok(theirs);
    Object.assign(counted, { calls: 0, wrong: 0, ambiguous: 0 });
    compare(profile, architectures, theirs, `for ${architectures}`);
    assert.deepEqual([counted.wrong, counted.ambiguous], [0, 0]);
    // libseccomp has an instruction or more for each of them.
    assert.ok(compile(profile, architectures).program.length * 2 < theirs.length);
  }
});

// --- generated profiles ---------------------------------------------------------------------------------------------------

const ACTIONS: readonly SeccompAction[] = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
];
const VALUES = [0, 1, 2, 3, 5, 40, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000005, 0x7e020000, 2 ** 52];

/**
 * `wild`: any number of rules with any number of conditions for the same calls. libseccomp loses its way with those (some versions
 * for ever), so it is only asked about profiles in which a call has one rule with several conditions, or several with one.
 */
function generate(random: () => number, wild: boolean, names: readonly string[]): Seccomp {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const action = (): Pick<SeccompRule, 'action' | 'errnoRet'> => {
    const chosen = pick(ACTIONS);
    const errnoRet = 1 + Math.floor(random() * 100);
    return chosen === 'SCMP_ACT_ERRNO' && random() < 0.5 ? { action: chosen, errnoRet } : { action: chosen };
  };
  const argument = (index: number): SeccompArg => ({
    index,
    op: pick(OPERATORS),
    value: pick(VALUES),
    ...(random() < 0.7 ? { valueTwo: pick(VALUES) } : {}),
  });
  const rules: SeccompRule[] = [];
  for (let count = Math.floor(random() * 5); count > 0; count--) {
    rules.push({ names: [...Array(1 + Math.floor(random() * 80))].map(() => pick(names)), ...action() });
  }
  // Few calls, so that their rules meet.
  const few = [...Array(3)].map(() => pick(names)).concat('socket', 'shmget');
  const only = random() < 0.3 ? action() : undefined;
  for (const name of new Set(few)) {
    const several = random() < 0.5;
    const same = Math.floor(random() * 6);
    const rule = (args: SeccompArg[]): void => void rules.push({ names: [name], ...(only ?? action()), args });
    const distinct = (most: number): number[] => [
      ...new Set([...Array(1 + Math.floor(random() * most))].map(() => Math.floor(random() * 6))),
    ];
    if (wild) {
      for (let left = 4; left > 0; left--)
        rule([...Array(1 + Math.floor(random() * 3))].map(() => argument(Math.floor(random() * 6))));
    } else if (several) {
      for (let left = 1 + Math.floor(random() * 3); left > 0; left--) rule([argument(same)]);
    } else rule(distinct(4).map(argument));
  }
  return { defaultAction: pick(ACTIONS), ...(random() < 0.3 ? { defaultErrnoRet: 13 } : {}), syscalls: rules };
}

/** Its tables have the call where ours have it: libseccomp may be older. */
function sameEverywhere({ resolve }: Oracle, name: string): boolean {
  return FILTERED_ARCHITECTURES.every((architecture) => {
    const { bit } = interfaceOf(architecture);
    const number = numbersOf(interfaceOf(architecture)).get(name);
    const theirs = resolve(name, architecture);
    return theirs === -1
      ? false
      : number === undefined
        ? theirs < 0
        : theirs === number + bit || multiplexed(name) !== undefined;
  });
}

test('1,000 generated profiles do what libseccomp makes of them, or are refused as by it', { skip }, (t) => {
  if (oracle === undefined) return;
  const { compile: compileTheirs } = oracle;
  const all = new Set(FILTERED_ARCHITECTURES.flatMap((name) => [...numbersOf(interfaceOf(name)).keys()]));
  const names = [...all].filter((name) => sameEverywhere(oracle, name));
  const random = seeded(20261125);
  let refused = 0;
  let onlyTheirs = 0;
  Object.assign(counted, { calls: 0, wrong: 0, ambiguous: 0 });
  for (let round = 0; round < 1000; round++) {
    const profile = generate(random, false, names);
    const architectures = SETS[round % SETS.length] ?? X64;
    const theirs = compileTheirs(profile, architectures);
    if (theirs !== undefined) {
      compare(profile, architectures, theirs, `round ${round}`);
      continue;
    }
    // It refuses rules that contradict each other, and some that do not.
    try {
      compareWithDefinition(profile, compile(profile, architectures), `round ${round}`);
      onlyTheirs += 1;
    } catch (error) {
      if (!(error instanceof RuntError)) throw error;
      refused += 1;
    }
  }
  t.diagnostic(`${JSON.stringify(counted)}, ${refused} profiles refused by both, ${onlyTheirs} by libseccomp`);
  assert.ok(refused < 200 && onlyTheirs < 50, `${refused} refused by both, ${onlyTheirs} by libseccomp`);
  // Its mistakes (2.5.4: "> 2^52 or < 2^31" holds for 2^32 - 1), and calls that rules with different actions hold for.
  assert.ok(counted.wrong < counted.calls / 500, `${counted.wrong} of ${counted.calls}`);
  assert.ok(counted.ambiguous < counted.calls / 500, `${counted.ambiguous} of ${counted.calls}`);
});

test('1,000 profiles with many rules for the same calls do what one of the rules that hold says', () => {
  const names = [...numbersOf(interfaceOf('SCMP_ARCH_X86_64')).keys()];
  const random = seeded(7);
  let compiled = 0;
  for (let round = 0; round < 1000; round++) {
    const profile = generate(random, true, names);
    let filter: SeccompFilter;
    try {
      filter = compile(profile, SETS[round % SETS.length] ?? X64);
    } catch (error) {
      // Rules that contradict each other.
      if (error instanceof RuntError && error.problem.code === 'config') continue;
      throw error;
    }
    compiled += 1;
    compareWithDefinition(profile, filter, `round ${round}`);
  }
  assert.ok(compiled > 500, `${compiled} profiles`);
});

function compareWithDefinition(profile: Seccomp, filter: SeccompFilter, what: string): void {
  const conditional = conditionsByName(profile);
  for (const { of } of filter.rules.interfaces) {
    const table = numbersOf(of);
    for (const [name, args] of conditional) {
      const number = table.get(name);
      if (number === undefined || args.length === 0) continue;
      for (const list of argumentLists(args)) {
        const verdict = verdictOf(filter.program, { number: number + of.bit, architecture: of.audit, args: list });
        const holding = verdictsOf(profile, name, of.words, list);
        assert.ok(
          holding.has(verdict ?? -1),
          `${what}: ${of.name} ${name} (${list.join(', ')}): 0x${verdict?.toString(16)}`,
        );
      }
    }
  }
}
