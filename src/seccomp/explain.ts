// A filter for people and programs to read: what is done with which calls, and which rule of the profile says so. It is made from the
// same tables that the program is assembled from.

import { numbersOf } from './architectures.ts';
import type { SeccompFilter } from './compile.ts';
import { conditionText } from './conditions.ts';
import { ACTIONS, actionText, ENOSYS } from './names.ts';
import { orderedRules } from './precedence.ts';
import { type InterfaceRules, isAlways } from './rules.ts';

export interface FilterRule {
  /** `ALLOW`, `ERRNO(1)`, … */
  readonly action: string;
  /** JSON pointer of the rule in the profile. */
  readonly pointer: string;
  readonly names: readonly string[];
  /** All of them must hold: `arg0 == 5`. */
  readonly conditions?: readonly string[];
}

export interface InterfaceDescription {
  readonly architecture: string;
  /** In the order in which they decide, where several are about the same call. */
  readonly rules: readonly FilterRule[];
  /** Calls with higher numbers than this one, the newest that the profile names, get `action`. */
  readonly newer?: { readonly than: string; readonly action: string };
}

export interface FilterDescription {
  readonly instructions: number;
  readonly flags: number;
  readonly listenerPath?: string;
  readonly defaultAction: string;
  readonly interfaces: readonly InterfaceDescription[];
  /** Of calls by any other interface. */
  readonly otherArchitectures: string;
  /** struct sock_filter: code, jt, jf, k */
  readonly program: readonly (readonly [number, number, number, number])[];
}

export function describeFilter({ program, flags, rules, profile, notifies }: SeccompFilter): FilterDescription {
  const words = new Uint32Array(program.buffer, program.byteOffset, program.length / 4);
  const instructions = program.length / 8;
  const lets = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction);
  return {
    instructions,
    flags,
    ...(notifies && profile.listenerPath !== undefined ? { listenerPath: profile.listenerPath } : {}),
    defaultAction: actionText(rules.defaultAction),
    interfaces: rules.interfaces.map((one) => describeInterface(one, lets)),
    otherArchitectures: actionText(ACTIONS.SCMP_ACT_KILL),
    program: Array.from({ length: instructions }, (_, at) => {
      const word = words[at * 2] ?? 0;
      return [word & 0xffff, (word >>> 16) & 0xff, word >>> 24, words[at * 2 + 1] ?? 0] as const;
    }),
  };
}

function describeInterface({ of, calls, ownCalls, highest }: InterfaceRules, lets: boolean): InterfaceDescription {
  const names = new Map([...numbersOf(of)].map(([name, number]) => [number, name]));
  const grouped = new Map<string, FilterRule & { names: string[] }>();
  const put = (name: string, action: number, index: number, conditions?: string[]): void => {
    const key = `${index} ${conditions?.join() ?? ''}`;
    const known = grouped.get(key);
    if (known !== undefined) known.names.push(name);
    else {
      grouped.set(key, {
        action: actionText(action),
        pointer: `/linux/seccomp/syscalls/${index}`,
        names: [name],
        ...(conditions === undefined ? {} : { conditions }),
      });
    }
  };
  const putAll = (from: InterfaceRules['calls'], first: number): void => {
    for (const [at, rules] of from.entries()) {
      if (rules === undefined) continue;
      const name = names.get(first + at) ?? String(first + at);
      if (isAlways(rules)) put(name, rules.action, rules.index);
      else {
        for (const { action, index, conditions } of orderedRules(rules)) {
          put(name, action, index, conditions.map(conditionText));
        }
      }
    }
  };
  putAll(calls, 0);
  putAll(ownCalls, of.own);
  const newest = names.get(highest);
  return {
    architecture: of.name,
    rules: [...grouped.values()].map((rule) => ({ ...rule, names: rule.names.sort() })),
    ...(lets || newest === undefined
      ? {}
      : { newer: { than: newest, action: actionText(ACTIONS.SCMP_ACT_ERRNO + ENOSYS) } }),
  };
}

/** For `runt plan`. Of the further interfaces only what is not said of the first one already. */
export function filterLines(filter: SeccompFilter): string[] {
  const { instructions, defaultAction, interfaces, otherArchitectures, listenerPath } = describeFilter(filter);
  const lines = [`${instructions} instructions`];
  if (listenerPath !== undefined) lines.push(`notifications go to ${listenerPath}`);
  const said = new Set<string>();
  for (const { architecture, rules, newer } of interfaces) {
    lines.push(`${architecture}:`);
    for (const { action, pointer, names, conditions } of rules) {
      const when = conditions === undefined ? '' : ` if ${conditions.join(' and ')}`;
      const what = `${action}${when}  [${pointer}]`;
      const left = names.filter((name) => !said.has(`${what} ${name}`));
      for (const name of left) said.add(`${what} ${name}`);
      if (left.length > 0) lines.push(`  ${what}`, ...wrapped(left));
    }
    if (said.size > 0 && architecture !== interfaces[0]?.architecture) lines.push('  and as the above');
    if (newer !== undefined) lines.push(`  ${newer.action} for calls that are newer than ${newer.than}`);
    lines.push(`  ${defaultAction} for all others  [/linux/seccomp/defaultAction]`);
  }
  lines.push(`${otherArchitectures} for calls of other architectures  [/linux/seccomp/architectures]`);
  return lines;
}

function wrapped(names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const name of names) {
    if (line.length + name.length > 100) {
      lines.push(`    ${line.trimEnd()}`);
      line = '';
    }
    line += `${name} `;
  }
  lines.push(`    ${line.trimEnd()}`);
  return lines;
}
