// `linux.seccomp` during a create or an exec: the filter is compiled, or one that was compiled before is
// taken, and init's own needs are held against it. Loaded only for configs that
// have a profile.

import { loadSha256 } from '../digest.ts';
import { fail } from '../error.ts';
import { dataAddress } from '../init/machine/format.ts';
import type { CallOperation, Operand, Plan } from '../init/plan.ts';
import { errnoName } from '../linux/errno.ts';
import { type Architecture, SYSCALL_NUMBERS } from '../linux/syscall-numbers.ts';
import type { Log } from '../log.ts';
import type { InstallableFilter } from '../seccomp/compile.ts';
import { ACTIONS, actionText, NATIVE_AUDIT } from '../seccomp/names.ts';
import { verdictOf } from '../seccomp/verdict.ts';
import type { Seccomp } from '../spec/generated/types.ts';
import { filterCache, keepFilter, readFilter } from './seccomp-cache.ts';

export const MACHINE: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

export interface Filter {
  readonly filter: InstallableFilter;
  /** What is kept for the next one, once it is known that containers can run with it. */
  readonly keep: () => void;
}

/** Throws `config` or `unsupported` for a profile that no filter can be made of. `root`: where compiled filters are kept. */
export async function loadFilter(
  root: string,
  profile: Seccomp,
  exactInteger: (pointer: string) => bigint | undefined,
  log: Log,
): Promise<Filter> {
  const cache = filterCache(root, profile, MACHINE, await loadSha256());
  const kept = cache === undefined ? undefined : readFilter(cache, log);
  if (kept !== undefined) {
    say(kept, kept.notices, log);
    return { filter: kept, keep: () => undefined };
  }
  const { compileSeccomp } = await import('../seccomp/compile.ts');
  const filter = compileSeccomp(profile, { machine: MACHINE, exactInteger });
  const { notices } = filter.rules;
  say(filter, notices, log);
  return {
    filter,
    keep: () => {
      if (cache !== undefined) keepFilter(cache, { ...filter, notices }, log);
    },
  };
}

function say({ flags }: InstallableFilter, notices: readonly string[], log: Log): void {
  for (const notice of notices) log.debug(`seccomp: ${notice}`);
  log.debug(`seccomp filter flags: ${flags}`);
}

const ARGUMENT_COUNT = 6;
/** Needed only when something else has gone wrong, and then nothing depends on them; or a second question (steps/executable.ts). */
const DISPENSABLE: ReadonlySet<string> = new Set(['exit_group', 'pidfd_send_signal', 'kill', 'faccessat2']);
const DATA = 0xffff;

/**
 * Refuses a filter that would refuse what the plan still has to do after installing it: such a container could never run, and would end without
 * a word, or wait for ever. Throws `config`, naming the rule.
 */
export function refuseSelfDefeating(plan: Plan, profile: Seccomp, filter: InstallableFilter, log: Log): void {
  const handler = plan.labels[plan.failureHandler] ?? plan.operations.length;
  let checked = false;
  for (let at = 0; at < handler; at++) {
    const operation = plan.operations[at];
    if (operation?.kind !== 'call') continue;
    if (operation.name === 'seccomp') {
      checked = true;
      continue;
    }
    if (!checked) continue;
    checkCall(operation, profile, filter);
    // Installed directly before the program is executed: what follows is another place to look for the program, not yet filtered.
    const previous = plan.operations[at - 1];
    if (operation.name === 'execve' && previous?.kind === 'call' && previous.name === 'seccomp') checked = false;
  }
  const report = plan.operations[handler];
  if (report?.kind === 'call' && refusal(report, filter) !== undefined) {
    log.warning('the seccomp profile refuses write: if the program can’t be executed, nothing will say why');
  }
}

function checkCall(call: CallOperation, profile: Seccomp, filter: InstallableFilter): void {
  if (DISPENSABLE.has(call.name)) return;
  const verdict = refusal(call, filter);
  if (verdict === undefined) return;
  const bits = (verdict & ~DATA) >>> 0;
  const errno = bits === ACTIONS.SCMP_ACT_ERRNO ? verdict & DATA : undefined;
  if (errno !== undefined) {
    if (call.ignoreErrors === true && call.result === undefined) return;
    if (call.on?.some((handled) => handled.errno === errno) === true) return;
  }
  fail({
    code: 'config',
    message: `the seccomp profile refuses ${call.name} (${errno === undefined ? actionText(verdict) : errnoName(errno)}), which is still needed to ${call.step.sentence}`,
    pointer: responsible(call.name, profile),
    hint: `allow ${call.name} in the profile`,
  });
}

/** What the filter answers, where that is a refusal whatever the arguments are that nobody knows yet. */
function refusal({ name, args }: CallOperation, { program }: InstallableFilter): number | undefined {
  const values = Array.from({ length: ARGUMENT_COUNT }, (_, index) => knownValue(args[index]));
  const verdict = verdictOf(program, {
    number: SYSCALL_NUMBERS[MACHINE][name],
    architecture: NATIVE_AUDIT[MACHINE],
    args: values,
  });
  if (verdict === undefined) return undefined;
  const bits = (verdict & ~DATA) >>> 0;
  // TRACE and NOTIFY are somebody else's to decide.
  const refuses =
    bits === ACTIONS.SCMP_ACT_ERRNO ||
    bits === ACTIONS.SCMP_ACT_KILL ||
    bits === ACTIONS.SCMP_ACT_KILL_PROCESS ||
    bits === ACTIONS.SCMP_ACT_TRAP;
  return refuses ? verdict : undefined;
}

function knownValue(operand: Operand | undefined): bigint | undefined {
  // The machine passes 0 where the plan says nothing.
  if (operand === undefined) return 0n;
  if (operand.kind === 'slot') return undefined;
  return operand.kind === 'immediate' ? BigInt.asUintN(64, operand.value) : BigInt(dataAddress(operand));
}

/** The rule that says so, or the default action. */
function responsible(name: string, { syscalls = [], defaultAction }: Seccomp): string {
  const index = syscalls.findIndex((rule) => rule.names.includes(name) && rule.action !== defaultAction);
  return index < 0 ? '/linux/seccomp/defaultAction' : `/linux/seccomp/syscalls/${index}`;
}
