// All rules that a schema can't say, in the order in which their violations are reported.

import type { Violation } from '../findings.ts';
import type { Config } from '../generated/types.ts';
import { annotationRules } from './annotations.ts';
import { deviceRules } from './devices.ts';
import { hookRules } from './hooks.ts';
import { idMappingRules } from './id-mappings.ts';
import { kernelFeatureRules } from './kernel-features.ts';
import { lengthRules } from './lengths.ts';
import { mountRules } from './mounts.ts';
import { namespaceRules } from './namespaces.ts';
import { platformRules } from './platform.ts';
import { processRules } from './process.ts';
import { resourceRules } from './resources.ts';
import type { Rule } from './rule.ts';
import { seccompRules } from './seccomp.ts';
import { sysctlRules } from './sysctl.ts';
import { versionRules } from './version.ts';

export const RULES: readonly Rule[] = [
  ...versionRules,
  ...platformRules,
  ...processRules,
  ...mountRules,
  ...lengthRules,
  ...hookRules,
  ...annotationRules,
  ...namespaceRules,
  ...idMappingRules,
  ...deviceRules,
  ...resourceRules,
  ...kernelFeatureRules,
  ...sysctlRules,
  ...seccompRules,
];

export type Platform = 'linux' | 'other';

/** The platform that a config is for: another one only if it has that one's section and none for Linux. */
export function platformOf(config: Config): Platform {
  if (config.linux !== undefined) return 'linux';
  const others = [config.windows, config.solaris, config.zos, config.freebsd];
  return others.some((section) => section !== undefined) ? 'other' : 'linux';
}

/** Runs the rules that hold on the platform, but for those that `skip` names. */
export function violationsOf(
  config: Config,
  platform: Platform,
  skip: (rule: Rule) => boolean = () => false,
): Violation[] {
  const violations: Violation[] = [];
  for (const rule of RULES) {
    if ((rule.linux === true && platform !== 'linux') || skip(rule)) continue;
    rule.check(config, (violation) => violations.push({ severity: 'error', spec: rule.spec, ...violation }));
  }
  return violations;
}
