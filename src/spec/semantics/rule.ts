// What a rule of the specification is: a pure function over a config that fits the schema.

import type { Violation } from '../findings.ts';
import type { Config } from '../generated/types.ts';

/** An error where no severity is given. */
export type Report = (violation: Pick<Violation, 'pointer' | 'message'> & Partial<Violation>) => void;

export interface Rule {
  /** A word for tests and tools. */
  readonly name: string;
  /** Pointers to all that `check` looks at. It is not called where one of them breaks the schema. */
  readonly reads: readonly string[];
  /** Section of the specification, or of another page, that the rule comes from. */
  readonly spec: string;
  /** True: it holds for containers on Linux only. */
  readonly linux?: boolean;
  readonly check: (config: Config, report: Report) => void;
}
