// The limit of open files: the engine has raised it for itself, a container has its caller's (getrlimit(2)).

import type { PlanBuilder } from '../builder.ts';
import type { InitInputs, ProcessInputs } from '../inputs.ts';

const RLIMIT_NOFILE = 7;
/** What init opens at a time, besides what it was given: the descriptors of a hundred mounts (see closeLeftovers). */
const OPENED = 512;

/**
 * Whether init needs more descriptors to make its mounts than the caller may have: then the limit is the
 * caller's when init is about to close what it does not need any more.
 */
export function needsMoreFiles({ mounts, caller }: InitInputs): boolean {
  return mounts.length > 0 && caller !== undefined && BigInt(mounts.length + OPENED) > caller.openFiles.soft;
}

export function limitOpenFiles(plan: PlanBuilder, { caller }: ProcessInputs): void {
  if (caller === undefined) return;
  const { soft, hard } = caller.openFiles;
  plan.step({ sentence: "limit open files as the runtime's caller does" }, () => {
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(soft, 0);
    limit.writeBigUInt64LE(hard, 8);
    const text = `{rlim_cur=${soft}, rlim_max=${hard}}`;
    plan.call('prlimit64', [0, plan.value(RLIMIT_NOFILE, 'RLIMIT_NOFILE'), plan.constant(limit, text), 0]);
  });
}
