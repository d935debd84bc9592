// Which descriptors init holds when.

import type { PlanBuilder } from '../builder.ts';
import type { InitInputs, ProcessInputs } from '../inputs.ts';
import type { LaunchContext } from './context.ts';

/** Closes every descriptor from 3 on that is not in `kept`. Never by listing /proc (crun#110). */
export function closeOthers(plan: PlanBuilder, kept: readonly number[]): void {
  let next = 3;
  for (const fd of [...new Set(kept)].sort((a, b) => a - b)) {
    if (fd < next) continue;
    if (fd > next) plan.call('close_range', [next, fd - 1, 0]);
    next = fd + 1;
  }
  plan.call('close_range', [next, plan.value(0xffffffff, '~0'), 0]);
}

/** Those that the caller hands over (--preserve-fds). */
function preserved({ preserveFds }: ProcessInputs): number[] {
  const fds: number[] = [];
  for (let fd = 3; fd < 3 + preserveFds; fd++) fds.push(fd);
  return fds;
}

/** What a program that exec adds holds until it is executed: besides 0 to 2 and those of --preserve-fds its end of the socket. */
export function keptByProgram(inputs: ProcessInputs): number[] {
  return [...preserved(inputs), inputs.channel.fd];
}

/** What init was given and uses until it is ready. */
export function keptByInit(inputs: InitInputs): number[] {
  const trees = inputs.mounts.flatMap((mount) => ('tree' in mount ? [mount.tree.fd] : []));
  const place = inputs.userNamespace?.rootPlace;
  const mapped = [...inputs.mounts, ...(inputs.userNamespace?.trees ?? [])].flatMap(({ idMap }) =>
    idMap === undefined || idMap.byRuntime === true ? [] : [idMap.users.fd],
  );
  const more = [place, inputs.terminal?.socket].flatMap((of) => (of === undefined ? [] : [of.fd]));
  return [...keptWhenReady(inputs), inputs.root.tree.fd, ...trees, ...mapped, ...more];
}

/** What a created container's init holds: besides 0 to 2 and those of --preserve-fds its socket and two FIFOs, and the state for hooks. */
export function keptWhenReady(inputs: InitInputs): number[] {
  const hooks = inputs.hooks === undefined ? [] : [inputs.hooks.state.fd, inputs.hooks.output.fd];
  return [...preserved(inputs), inputs.channel.fd, inputs.start.order.fd, inputs.start.answer.fd, ...hooks];
}

/**
 * Closes all that steps have opened: they close nothing themselves, since one call here does for all of theirs. What init holds in
 * slots must not be used afterwards.
 */
export function closeLeftovers({ plan, inputs }: LaunchContext): void {
  closeOthers(plan, keptByInit(inputs));
}
