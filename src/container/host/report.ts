// `runt features --why`: what this host, or this caller, can't do, and what is missing for it.

import {
  callAbilities,
  fileSystemAbilities,
  namespaceAbilities,
  privilegeAbilities,
  seccompAbilities,
  securityAbilities,
} from './checks.ts';
import { cgroupAbilities } from './control-groups.ts';
import type { Ability, HostFacts, Lack } from './facts.ts';

export interface HostReport {
  readonly kernel: string;
  readonly cgroups: HostFacts['cgroups']['mode'];
  readonly root: boolean;
  /** What was looked at and works. */
  readonly works: readonly string[];
  readonly missing: readonly ({ readonly of: readonly string[] } & Lack)[];
}

export function reportOn(facts: HostFacts): HostReport {
  const abilities = [
    ...callAbilities(facts),
    ...namespaceAbilities(facts),
    ...privilegeAbilities(facts),
    ...fileSystemAbilities(facts),
    ...securityAbilities(facts),
    ...seccompAbilities(facts),
    ...cgroupAbilities(facts),
  ];
  const missing = abilities.flatMap(({ of, lack }) => (lack === undefined ? [] : [{ of, ...lack }]));
  const lacking = new Set(missing.flatMap(({ of }) => of));
  return {
    kernel: facts.kernel,
    cgroups: facts.cgroups.mode,
    root: facts.isRoot,
    works: [...new Set(abilities.flatMap(({ of }: Ability) => of))].filter((name) => !lacking.has(name)),
    missing,
  };
}

const CGROUPS = {
  v1: 'cgroup v1',
  hybrid: 'cgroup v1 beside v2',
  v2: 'cgroup v2',
  none: 'no control groups',
} as const;

/** For a person. */
export function reportText({ kernel, cgroups, root, works, missing }: HostReport): string {
  const all = works.length + new Set(missing.flatMap(({ of }) => of)).size;
  const caller = root ? 'root' : 'a user without root privileges';
  const lines = [
    `Linux ${kernel}, ${CGROUPS[cgroups]}, as ${caller}: ${works.length} of ${all} things that were looked at work.`,
  ];
  for (const { of, kind, reason, hint } of missing) {
    lines.push('', of.join(', '), `  ${kind}: ${reason}`);
    if (hint !== undefined) lines.push(`  what helps: ${hint}`);
  }
  return `${lines.join('\n')}\n`;
}
