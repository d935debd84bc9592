// Which of several rules for one system call decides. Profiles are written for libseccomp, so its order is kept: it merges
// the rules into a tree, one level a word of an argument, and on each level looks at arguments with higher numbers first, at
// equalities before upper before lower bounds, and at the narrower of two bounds before the wider one. A rule whose conditions
// begin like those of a shorter one is covered by that. What comes out is a list: the first rule that matches decides.

import type { Condition } from './conditions.ts';

export interface ConditionalRule {
  readonly conditions: readonly Condition[];
  /** What the filter returns. */
  readonly action: number;
  /** The rule's index in the profile. */
  readonly index: number;
}

/** How a level's word is tested: LT is "not GE", LE is "not GT", NE is "not EQ". */
type Test = 'equal' | 'masked' | 'greater' | 'greaterOrEqual';

interface Node {
  readonly argument: number;
  readonly test: Test;
  readonly high: number;
  readonly low: number;
  readonly maskHigh: number;
  readonly maskLow: number;
  readonly priority: number;
  /** Smaller bounds first: those of LT and LE. */
  readonly ascending: boolean;
  /** The low words, below a node of a high word. */
  readonly below: Node[];
  readonly holds: Branch;
  readonly fails: Branch;
}
interface Branch {
  rule?: ConditionalRule;
  next?: Node[];
}

/** The rules of one call on one architecture, in an order of their own. */
export interface RuleTree {
  readonly words: 32 | 64;
  readonly level: Node[];
}

export function ruleTree(words: 32 | 64): RuleTree {
  return { words, level: [] };
}

/**
 * Returns the rule of the tree that contradicts: it says something else of the same, or of some of the same arguments. With `covered`
 * the new rule has no effect, since the shorter one came first; without it there is no filter that would be both.
 */
export function addRule(
  tree: RuleTree,
  rule: ConditionalRule,
): { readonly other: ConditionalRule; readonly covered: boolean } | undefined {
  let level = tree.level;
  const last = rule.conditions.length - 1;
  for (const [position, condition] of rule.conditions.entries()) {
    const node = nodeOf(level, condition, tree.words);
    const negated = condition.compare === 'NE' || condition.compare === 'LT' || condition.compare === 'LE';
    const branch = negated ? node.fails : node.holds;
    const shorter = branch.rule;
    if (shorter !== undefined) {
      return shorter.action === rule.action ? undefined : { other: shorter, covered: position < last };
    }
    if (position === last) {
      const longer = orderedLevel(branch.next ?? [], []).find(({ action }) => action !== rule.action);
      if (longer !== undefined) return { other: longer, covered: false };
      branch.rule = rule;
      delete branch.next;
      return undefined;
    }
    branch.next ??= [];
    level = branch.next;
  }
  return undefined;
}

/** The first that matches decides. */
export function orderedRules(tree: RuleTree): ConditionalRule[] {
  return orderedLevel(tree.level, []);
}

function orderedLevel(level: readonly Node[], into: ConditionalRule[]): ConditionalRule[] {
  for (const { below, holds, fails } of level) {
    orderedLevel(below, into);
    for (const { rule, next } of [holds, fails]) {
      if (rule !== undefined) into.push(rule);
      if (next !== undefined) orderedLevel(next, into);
    }
  }
  return into;
}

function nodeOf(level: Node[], condition: Condition, words: 32 | 64): Node {
  const { argument, compare, high, low, maskHigh, maskLow } = condition;
  const equality = compare === 'EQ' || compare === 'NE';
  const lowTest =
    compare === 'MASKED_EQ'
      ? 'masked'
      : equality
        ? 'equal'
        : compare === 'GT' || compare === 'LE'
          ? 'greater'
          : 'greaterOrEqual';
  const make = (test: Test, bits: Pick<Node, 'high' | 'low' | 'maskHigh' | 'maskLow'>): Node => ({
    argument,
    test,
    ...bits,
    priority: equality || compare === 'MASKED_EQ' ? 3 : compare === 'LT' || compare === 'LE' ? 2 : 1,
    ascending: compare === 'LT' || compare === 'LE',
    below: [],
    holds: {},
    fails: {},
  });
  if (words === 32) return place(level, make(lowTest, { high: 0, low, maskHigh: 0, maskLow }));
  const highTest = lowTest === 'greaterOrEqual' ? 'greater' : lowTest;
  const above = place(level, make(highTest, { high, low: 0, maskHigh, maskLow: 0 }));
  return place(above.below, make(lowTest, { high: 0, low, maskHigh: 0, maskLow }));
}

/** The node's equal on the level, or the node itself in its place. */
function place(level: Node[], node: Node): Node {
  let index = 0;
  for (const other of level) {
    if (isEqual(other, node)) return other;
    if (comesAfter(other, node)) break;
    index += 1;
  }
  level.splice(index, 0, node);
  return node;
}

function isEqual(a: Node, b: Node): boolean {
  return (
    a.argument === b.argument &&
    a.test === b.test &&
    a.high === b.high &&
    a.low === b.low &&
    a.maskHigh === b.maskHigh &&
    a.maskLow === b.maskLow
  );
}

function comesAfter(a: Node, b: Node): boolean {
  if (a.argument !== b.argument) return a.argument < b.argument;
  if (a.priority !== b.priority) return a.priority < b.priority;
  const difference = a.high === b.high ? a.low - b.low : a.high - b.high;
  return a.ascending ? difference > 0 : difference < 0;
}
