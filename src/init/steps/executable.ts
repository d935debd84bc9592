// May the process execute a file? faccessat(2) asks for the real user, and sets aside the capabilities of one who is not root. execve(2) heeds
// them: so with CAP_DAC_OVERRIDE the answer is wrong, and faccessat2(2), which has AT_EACCESS, is asked too. It is newer
// than some seccomp profiles, and asked only then.

import { ERRNO } from '../../linux/errno.ts';
import { AT_FDCWD } from '../../linux/mount-constants.ts';
import type { Argument, PlanBuilder } from '../builder.ts';
import type { ProcessInputs } from '../inputs.ts';
import type { Slot } from '../plan.ts';

const F_OK = 0;
const X_OK = 1;
const AT_EACCESS = 0x200;

/** A user without root's uid has a capability that lets it execute what its uid may not. */
export function overridesPermissions({ config: { process } }: Pick<ProcessInputs, 'config'>): boolean {
  const effective = process?.capabilities?.effective;
  if (effective === undefined || (process?.user?.uid ?? 0) === 0) return false;
  return effective.includes('CAP_DAC_OVERRIDE') || effective.includes('CAP_DAC_READ_SEARCH');
}

/** `result` = 0, or -EACCES, or another negated errno: it is not there. */
export function checkExecutable(plan: PlanBuilder, path: Argument, overrides: boolean, result: Slot): void {
  const cwd = plan.value(AT_FDCWD, 'AT_FDCWD');
  const mode = plan.value(X_OK, 'X_OK');
  plan.call('faccessat', [cwd, path, mode], { result, ignoreErrors: true });
  if (!overrides) return;
  const known = plan.label();
  plan.branch(result, 'notEqual', -ERRNO.EACCES, known);
  plan.call('faccessat2', [cwd, path, mode, plan.value(AT_EACCESS, 'AT_EACCESS')], { result, ignoreErrors: true });
  plan.place(known);
}

/** Fails if the file is not there, or if it is certain that the process may not execute it. */
export function requireExecutable(plan: PlanBuilder, path: string, overrides: boolean): void {
  const mode = overrides ? plan.value(F_OK, 'F_OK') : plan.value(X_OK, 'X_OK');
  plan.call('faccessat', [plan.value(AT_FDCWD, 'AT_FDCWD'), path, mode]);
}
