// From a profile to what is done with each system call of an interface. Pure.

import { fail } from '../error.ts';
import { pointer } from '../json-pointer.ts';
import type { Seccomp, SeccompAction, SeccompArg } from '../spec/generated/types.ts';
import { type SyscallInterface, type SyscallTable, tableOf } from './architectures.ts';
import { type Condition, conditionOf, saysAnything } from './conditions.ts';
import { multiplexed, selecting } from './multiplexed.ts';
import { ACTIONS, EPERM } from './names.ts';
import { addRule, type RuleTree, ruleTree } from './precedence.ts';

/** What is always done with a call. */
export interface Always {
  /** What the filter returns. */
  readonly action: number;
  /** The rule's index in the profile. */
  readonly index: number;
}
export type CallRules = Always | RuleTree;

export function isAlways(rules: CallRules): rules is Always {
  return 'action' in rules;
}

export interface InterfaceRules {
  readonly of: SyscallInterface;
  readonly table: SyscallTable;
  /** By number, without the interface's bit: those below `of.own`. */
  readonly calls: (CallRules | undefined)[];
  /** By number, counted from `of.own`. */
  readonly ownCalls: (CallRules | undefined)[];
  /** The highest number that the profile names at all; -1: none. */
  highest: number;
}

export interface ProfileRules {
  readonly defaultAction: number;
  readonly interfaces: readonly InterfaceRules[];
  /** Things that a person may want to know, though nothing is wrong with them. */
  readonly notices: readonly string[];
}

/** SECCOMP_RET_* with its data. */
export function returned(action: SeccompAction, errno: number | undefined): number {
  const bits = ACTIONS[action];
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? bits + ((errno ?? EPERM) & 0xffff) : bits;
}

/** More than any interface has calls: an array that is filled at once is a plain one for the engine. */
const MOST_CALLS = 512;

/**
 * `exact`: the integer at a JSON pointer, as it is written. Throws `config` for rules that contradict each other. (A usual profile leads a
 * thousand times through the inner loop, in an engine that has never seen it: so it is plain arrays and indices.)
 */
export function rulesOf(
  profile: Seccomp,
  interfaces: readonly SyscallInterface[],
  exact: (pointer: string) => bigint | undefined,
): ProfileRules {
  const made: InterfaceRules[] = [];
  for (const of of interfaces) {
    const calls = new Array<undefined>(MOST_CALLS).fill(undefined);
    made.push({ of, table: tableOf(of), calls, ownCalls: [], highest: -1 });
  }
  const defaultAction = returned(profile.defaultAction, profile.defaultErrnoRet);
  const notices: string[] = [];
  const unknown: string[] = [];
  const covered = ['socketcall', 'ipc'].filter((name) => isCovered(profile, name, defaultAction));
  let index = 0;
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const always: Always = { action: returned(action, errnoRet), index };
    // Such a rule changes nothing, whatever its conditions; but its names are known to the profile's author.
    const idle = always.action === defaultAction;
    const alternatives = args.length === 0 ? undefined : alternativesOf(conditionsOf(args, index, exact));
    for (const name of names) {
      let known = false;
      for (let at = 0; at < made.length; at++) {
        const rules = made[at] as InterfaceRules;
        const { of, table, calls } = rules;
        const number = table[name]?.[of.column] ?? -1;
        if (number >= 0) {
          known = true;
          const isOwn = number >= of.own;
          if (!isOwn && number > rules.highest) rules.highest = number;
          if (idle) continue;
          // Nearly all rules of a profile: neither conditions, nor another rule for the same call.
          if (alternatives === undefined && !isOwn && calls[number] === undefined) calls[number] = always;
          else addAll(rules, number, always, alternatives, notices);
        }
        if (of.name === 'SCMP_ARCH_X86' && !idle) {
          const other = multiplexed(name);
          if (other === undefined || covered.includes(other.call)) continue;
          const through = table[other.call]?.[of.column] ?? -1;
          const all = (alternatives ?? [[]]).map((one) => selecting(other, one));
          addAll(rules, through, always, all, notices);
        }
      }
      if (!known) unknown.push(name);
    }
    index += 1;
  }
  if (unknown.length > 0) notices.push(`system calls that no architecture here has: ${unknown.join(', ')}`);
  return { defaultAction, interfaces: made, notices };
}

function conditionsOf(
  args: readonly SeccompArg[],
  rule: number,
  exact: (pointer: string) => bigint | undefined,
): Condition[] {
  return args.map((argument, which) =>
    conditionOf(argument, (name) => exact(pointer('linux', 'seccomp', 'syscalls', rule, 'args', which, name))),
  );
}

/** A rule without conditions decides on the call: what others would add is lost anyway. */
function isCovered({ syscalls = [] }: Seccomp, name: string, defaultAction: number): boolean {
  return syscalls.some(
    ({ names, action, errnoRet, args = [] }) =>
      args.length === 0 && returned(action, errnoRet) !== defaultAction && names.includes(name),
  );
}

/**
 * All conditions of a rule must hold, but where two are about the same argument: then each of them suffices. (runc, whose profiles these
 * are, has always read them so, since libseccomp knows one condition an argument.)
 */
function alternativesOf(conditions: readonly Condition[]): readonly (readonly Condition[])[] {
  const seen = new Set(conditions.map(({ argument }) => argument));
  if (seen.size < conditions.length) return conditions.map((condition) => [condition]);
  return [[...conditions].sort((a, b) => a.argument - b.argument)];
}

function addAll(
  rules: InterfaceRules,
  number: number,
  always: Always,
  alternatives: readonly (readonly Condition[])[] | undefined,
  notices: string[],
): void {
  if (alternatives === undefined) {
    addAlways(rules, number, always);
    return;
  }
  for (const all of alternatives) {
    const conditions = all.filter((condition) => saysAnything(condition, rules.of.words));
    if (conditions.length === 0) addAlways(rules, number, always);
    else addConditional(rules, number, always, conditions, notices);
  }
}

/** A rule without conditions covers those with, before and after it; of two the first counts. */
function addAlways(rules: InterfaceRules, number: number, always: Always): void {
  const { calls, at } = placeOf(rules, number);
  const known = calls[at];
  if (known === undefined || !isAlways(known)) calls[at] = always;
}

function placeOf({ of: { own }, calls, ownCalls }: InterfaceRules, number: number) {
  return number < own ? { calls, at: number } : { calls: ownCalls, at: number - own };
}

function addConditional(
  rules: InterfaceRules,
  number: number,
  { action, index }: Always,
  conditions: readonly Condition[],
  notices: string[],
): void {
  const { of } = rules;
  const { calls, at } = placeOf(rules, number);
  let known = calls[at];
  if (known === undefined) {
    known = ruleTree(of.words);
    calls[at] = known;
  }
  if (isAlways(known)) return;
  const contradiction = addRule(known, { conditions, action, index });
  if (contradiction === undefined) return;
  const { other, covered } = contradiction;
  const where = `/linux/seccomp/syscalls/${index}`;
  if (covered) {
    notices.push(
      `the seccomp rule ${where} has no effect on call ${number} of ${of.name}: rule ${other.index} covers it`,
    );
    return;
  }
  fail({
    code: 'config',
    message: `the seccomp rules ${other.index} and ${index} say different things of the same arguments of system call ${number} (${of.name})`,
    pointer: where,
    hint: 'remove one of them, or let their conditions differ',
  });
}
