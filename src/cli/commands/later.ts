import { fail } from '../../error.ts';
import type { Invocation } from '../table.ts';

/** Commands of runc that a later version brings: refused by name rather than unknown. */
export function later({ command }: Invocation): number {
  fail({ code: 'unsupported', message: `not supported yet by this version of runt: ${command.name}` });
}
