// A seccomp profile (config-linux.md, "Seccomp") becomes a classic BPF program. Pure.
//
// The program finds out by which interface the call came, then searches its number in a balanced tree of ranges: neighbours with the
// same verdict are one range, so a usual profile of 400 names takes about seven comparisons. A call with conditions has a leaf that
// tests them, rule by rule. What no rule is about gets the default action, but for calls that are newer than all that the
// profile names: they get ENOSYS, as by runc, so that programs fall back on what the profile's author knew.

import { fail } from '../error.ts';
import type { Architecture } from '../linux/syscall-numbers.ts';
import type { Seccomp } from '../spec/generated/types.ts';
import { interfacesOf, type SyscallInterface, X32_BIT } from './architectures.ts';
import type { Condition } from './conditions.ts';
import { describeFilter, type FilterDescription, filterLines } from './explain.ts';
import { ACTIONS, ENOSYS, FLAGS, NEW_LISTENER } from './names.ts';
import { orderedRules, type RuleTree } from './precedence.ts';
import {
  AND,
  JUMP_EQUAL,
  JUMP_GREATER,
  JUMP_GREATER_OR_EQUAL,
  LOAD,
  OFFSET,
  type Place,
  type ProgramWriter,
  programWriter,
} from './program.ts';
import { type CallRules, type InterfaceRules, isAlways, type ProfileRules, rulesOf } from './rules.ts';

export interface CompileOptions {
  /** The machine that the filter is for. */
  readonly machine: Architecture;
  /** 64-bit integers of the config that JSON.parse has rounded, by JSON pointer. */
  readonly exactInteger?: (pointer: string) => bigint | undefined;
  /** Only for tests: other interfaces than the machine's that the profile names. */
  readonly interfaces?: readonly SyscallInterface[];
}

/** What it takes to install a filter. */
export interface InstallableFilter {
  /** struct sock_filter[] */
  readonly program: Uint8Array;
  /** Flags of seccomp(2). */
  readonly flags: number;
  /** A rule has SCMP_ACT_NOTIFY: installing the filter returns a descriptor. */
  readonly notifies: boolean;
}

export interface SeccompFilter extends InstallableFilter {
  readonly rules: ProfileRules;
  readonly profile: Seccomp;
  /** What the filter does, for people and for programs. */
  readonly details: () => { readonly lines: readonly string[]; readonly data: FilterDescription };
}

const BAD_ARCHITECTURE = ACTIONS.SCMP_ACT_KILL;
const NO_NUMBER = 0xffffffff;
const END = 0x100000000;
const ALL = 0xffffffff;

/** Throws `config` for rules that contradict each other, `unsupported` for a profile that needs more than a filter can have. */
export function compileSeccomp(profile: Seccomp, options: CompileOptions): SeccompFilter {
  const { machine, exactInteger = () => undefined } = options;
  const interfaces = options.interfaces ?? interfacesOf(machine, profile.architectures ?? []);
  const rules = rulesOf(profile, interfaces, exactInteger);
  const notifies = (profile.syscalls ?? []).some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  const filter: SeccompFilter = {
    program: assemble(rules, newerVerdict(profile, rules.defaultAction)),
    flags: flagsOf(profile) | (notifies ? NEW_LISTENER : 0),
    notifies,
    rules,
    profile,
    details: () => ({ lines: filterLines(filter), data: describeFilter(filter) }),
  };
  return filter;
}

/** Absent is not empty: then SPEC_ALLOW is set, as by runc. */
function flagsOf({ flags }: Seccomp): number {
  if (flags === undefined) return FLAGS.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  let bits = 0;
  for (const flag of flags) bits |= FLAGS[flag];
  return bits;
}

/** What a call gets that is newer than the profile: nothing of its own where the default lets calls through, or a tracer decides. */
function newerVerdict({ defaultAction }: Seccomp, verdict: number): number {
  if (defaultAction === 'SCMP_ACT_ALLOW' || defaultAction === 'SCMP_ACT_LOG' || defaultAction === 'SCMP_ACT_TRACE') {
    return verdict;
  }
  return ACTIONS.SCMP_ACT_ERRNO + ENOSYS;
}

/** Ranges of numbers: each begins at its start and ends where the next one begins. */
interface Ranges {
  readonly starts: number[];
  readonly verdicts: (number | RuleTree)[];
}

function assemble(rules: ProfileRules, newer: number): Uint8Array {
  const writer = programWriter();
  const bad = writer.verdict(BAD_ARCHITECTURE);
  const sections: { audit: number; place: Place }[] = [];
  for (const one of rules.interfaces) {
    if (sections.some(({ audit }) => audit === one.of.audit)) continue;
    const together = rules.interfaces.filter(({ of }) => of.audit === one.of.audit);
    const ranges = rangesOf(together, rules.defaultAction, newer);
    writer.goOn(searchTree(writer, ranges, 0, ranges.starts.length - 1, rules.defaultAction));
    sections.push({ audit: one.of.audit, place: writer.put(LOAD, OFFSET.number) });
  }
  let next = bad;
  for (const { audit, place } of sections.reverse()) next = writer.branch(JUMP_EQUAL, audit, place, next);
  writer.goOn(next);
  writer.put(LOAD, OFFSET.architecture);
  return writer.finish();
}

/** The numbers of one AUDIT_ARCH: one interface, or x86-64 and x32, whose numbers begin at the bit. */
function rangesOf(interfaces: readonly InterfaceRules[], defaultVerdict: number, newer: number): Ranges {
  const ranges: Ranges = { starts: [], verdicts: [] };
  const [first, second] = interfaces;
  if (first === undefined || first.of.bit !== 0)
    return fail({ code: 'init', message: 'a defect of runt: x32 stands alone' });
  const isX86 = first.of.name === 'SCMP_ARCH_X86_64';
  addInterface(ranges, first, isX86 ? X32_BIT : END, defaultVerdict, newer);
  if (second !== undefined) addInterface(ranges, second, END, defaultVerdict, newer);
  else if (isX86) {
    add(ranges, X32_BIT, BAD_ARCHITECTURE);
    // -1 is no x32 call: a tracer sets it so that a call is left out (seccomp(2)), and the filter is asked again.
    add(ranges, NO_NUMBER, defaultVerdict);
  }
  return ranges;
}

function addInterface(
  ranges: Ranges,
  { of: { bit, own }, calls, ownCalls, highest }: InterfaceRules,
  end: number,
  defaultVerdict: number,
  newer: number,
): void {
  // A profile that names nothing has no age.
  if (highest < 0) add(ranges, bit, defaultVerdict);
  addCalls(ranges, bit, calls, highest + 1, defaultVerdict);
  if (highest >= 0 && bit + highest + 1 < end) add(ranges, bit + highest + 1, newer);
  if (bit + own >= end) return;
  addCalls(ranges, bit + own, ownCalls, ownCalls.length, defaultVerdict);
  add(ranges, bit + own + ownCalls.length, defaultVerdict);
}

function addCalls(
  ranges: Ranges,
  start: number,
  calls: InterfaceRules['calls'],
  count: number,
  defaultVerdict: number,
): void {
  let previous: CallRules | undefined;
  for (let at = 0; at < count; at++) {
    const rules = calls[at];
    // Neighbours are mostly of one rule.
    if (at > 0 && rules === previous) continue;
    previous = rules;
    add(ranges, start + at, rules === undefined ? defaultVerdict : isAlways(rules) ? rules.action : rules);
  }
}

function add({ starts, verdicts }: Ranges, start: number, verdict: number | RuleTree): void {
  if (verdicts.at(-1) === verdict) return;
  starts.push(start);
  verdicts.push(verdict);
}

function searchTree(writer: ProgramWriter, ranges: Ranges, from: number, to: number, defaultVerdict: number): Place {
  if (from === to) {
    const verdict = ranges.verdicts[from] ?? defaultVerdict;
    return typeof verdict === 'number' ? writer.verdict(verdict) : testRules(writer, verdict, defaultVerdict);
  }
  const middle = (from + to + 1) >> 1;
  const upper = searchTree(writer, ranges, middle, to, defaultVerdict);
  const lower = searchTree(writer, ranges, from, middle - 1, defaultVerdict);
  return writer.branch(JUMP_GREATER_OR_EQUAL, ranges.starts[middle] ?? 0, upper, lower);
}

/** The rules of one call, in order; then the default. */
function testRules(writer: ProgramWriter, tree: RuleTree, defaultVerdict: number): Place {
  let next = writer.verdict(defaultVerdict);
  for (const { conditions, action } of orderedRules(tree).reverse()) {
    let holds = writer.verdict(action);
    for (const condition of [...conditions].reverse()) holds = test(writer, condition, tree.words, holds, next);
    next = holds;
  }
  return next;
}

/** The high word first: where it decides, the low one is not looked at. */
function test(writer: ProgramWriter, condition: Condition, words: 32 | 64, yes: Place, no: Place): Place {
  const { argument, compare, high, low, maskHigh, maskLow } = condition;
  const lowAt = OFFSET.arguments + argument * 8;
  const load = (offset: number, mask: number, then: Place): Place => {
    writer.goOn(then);
    if (mask !== ALL) writer.put(AND, mask);
    return writer.put(LOAD, offset);
  };
  const negated = compare === 'NE' || compare === 'LT' || compare === 'LE';
  const holds = negated ? no : yes;
  const fails = negated ? yes : no;
  const equality = compare === 'EQ' || compare === 'NE' || compare === 'MASKED_EQ';
  const lowCode = equality ? JUMP_EQUAL : compare === 'GT' || compare === 'LE' ? JUMP_GREATER : JUMP_GREATER_OR_EQUAL;
  let place = holds;
  if (maskLow !== 0) place = load(lowAt, maskLow, writer.branch(lowCode, low, holds, fails));
  if (words === 32 || maskHigh === 0) return place;
  place = writer.branch(JUMP_EQUAL, high, place, fails);
  if (!equality) place = writer.branch(JUMP_GREATER, high, holds, place);
  return load(lowAt + 4, maskHigh, place);
}
