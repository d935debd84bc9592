// linux.resources as a document of its own: what engines send to `update`.

import { fail } from '../error.ts';
import { valueAt } from '../json-pointer.ts';
import { explain } from './explain.ts';
import { type Violation, violationText } from './findings.ts';
import { foldNames } from './fold.ts';
import type { Config, LinuxResources } from './generated/types.ts';
import { findingText } from './render.ts';
import { countProperties } from './scan.ts';
import { resourceRules } from './semantics/resources.ts';
import { scanIfNeeded } from './semantics/text.ts';

export interface LoadedResources {
  readonly resources: LinuxResources;
  /** By pointers as in a config: `/linux/resources/memory/limit`. */
  readonly exactInteger: (pointer: string) => bigint | undefined;
  /** Names in another case. */
  readonly warnings: readonly Violation[];
}

const PREFIX = '/linux/resources';

/** Throws `config` with all that is wrong. `file` is for the messages. */
export async function loadResources(text: string, file: string): Promise<LoadedResources> {
  const errors = explain(text, 'resources').filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first !== undefined) {
    const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
    const details = errors.slice(1).map((error) => findingText(error, file));
    fail({ code: 'config', message: `${findingText(first, file)}${more}`, details });
  }
  const folded = foldNames(text, 'resources');
  const resources = (folded?.document ?? JSON.parse(text)) as LinuxResources;
  const config: Config = { ociVersion: '1.0.0', linux: { resources } };
  for (const rule of resourceRules)
    rule.check(config, (violation) => {
      if (violation.severity === 'warning') return;
      const text = violationText({ severity: 'error', ...violation, pointer: violation.pointer.slice(PREFIX.length) });
      fail({ code: 'config', message: `${file}: ${text}` });
    });
  const { longNumbers } = scanIfNeeded(folded?.text ?? text, countProperties(resources));
  return {
    resources,
    warnings: folded?.findings ?? [],
    exactInteger: (pointer) => {
      const inner = pointer.slice(PREFIX.length);
      const literal = longNumbers.get(inner);
      if (literal !== undefined && /^-?\d+$/.test(literal)) return BigInt(literal);
      const value = valueAt(resources, inner);
      return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
    },
  };
}
