// The system call filter. Where in the plan it is installed:
//
// - Without noNewPrivileges the kernel wants CAP_SYS_ADMIN for it, so it comes before capabilities are dropped, as in runc: here as the very
//   last step with that capability, when user, groups, directory and all other capabilities are as the program will have them.
//   Init waits for `start` under the filter.
// - With noNewPrivileges nothing is needed, and it comes as late as can be: before the startContainer hooks, which it is for, too;
//   else directly before execve.
// - With SCMP_ACT_NOTIFY always at the end of `create`: it is create that takes the descriptor to the agent, since `start` makes no
//   system calls that node:fs does not have.
//
// What the filter refuses to init itself is found out before anything is made (container/seccomp.ts).

import type { PlanBuilder } from '../builder.ts';
import type { InputFilter, ProcessInputs } from '../inputs.ts';
import { MESSAGE } from '../messages.ts';
import type { Slot } from '../plan.ts';
import { descriptor, type ProcessContext } from './context.ts';
import { waitForGo } from './hooks.ts';
import { closeOthers } from './kept-descriptors.ts';

const SECCOMP_SET_MODE_FILTER = 1;
const CLOSE_RANGE_CLOEXEC = 4;
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [2, 'SECCOMP_FILTER_FLAG_LOG'],
  [4, 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
  [8, 'SECCOMP_FILTER_FLAG_NEW_LISTENER'],
  [32, 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
];

export type FilterPlace = 'none' | 'before ready' | 'before the hooks' | 'before execve';

export function filterPlace({ seccomp, config }: ProcessInputs): FilterPlace {
  if (seccomp === undefined) return 'none';
  if (config.process?.noNewPrivileges !== true || seccomp.notifies) return 'before ready';
  return (config.hooks?.startContainer ?? []).length > 0 ? 'before the hooks' : 'before execve';
}

/** Makes the calling process subject to the filter from here on. `result` receives the listener's descriptor (close-on-exec), if any. */
export function installFilter(plan: PlanBuilder, filter: InputFilter, result?: Slot): void {
  const step = {
    sentence: 'install the seccomp filter',
    pointer: '/linux/seccomp',
    hint: 'without process.noNewPrivileges the runtime needs CAP_SYS_ADMIN',
    ...(filter.details === undefined ? {} : { details: filter.details }),
  };
  plan.step(step, () => {
    const count = filter.program.length / 8;
    const program = plan.constant(filter.program, `{${count} instructions}`);
    // struct sock_fprog { u16 len; struct sock_filter *filter; }
    const header = Buffer.alloc(16);
    header.writeUInt16LE(count, 0);
    header.writeBigUInt64LE(plan.address(program), 8);
    plan.call(
      'seccomp',
      [
        plan.value(SECCOMP_SET_MODE_FILTER, 'SECCOMP_SET_MODE_FILTER'),
        plan.value(filter.flags, flagsText(filter.flags)),
        plan.constant(header, `{len=${count}, filter=${program.text}}`),
      ],
      result === undefined ? undefined : { result },
    );
  });
}

function flagsText(flags: number): string {
  const names = FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? '0' : names.join('|');
}

/**
 * All descriptors that init must not let through are marked before the filter is there, which may know no close_range: an older
 * profile answers it with an error.
 */
export function markDescriptors(context: ProcessContext): void {
  const { plan, inputs } = context;
  plan.step({ sentence: 'let no descriptor of init through' }, () => {
    const flag = plan.value(CLOSE_RANGE_CLOEXEC, 'CLOSE_RANGE_CLOEXEC');
    plan.call('close_range', [3 + inputs.preserveFds, plan.value(0xffffffff, '~0'), flag]);
  });
}

/** At the end of `create`, or of what `exec` does before the program's process is there: with the descriptors settled, so that few calls are left to make under the filter. */
export function installFilterBeforeReady(context: ProcessContext, kept: readonly number[]): void {
  const { plan, inputs } = context;
  const { seccomp } = inputs;
  if (seccomp === undefined || filterPlace(inputs) !== 'before ready') return;
  plan.step({ sentence: 'close all that preparing has opened' }, () => closeOthers(plan, kept));
  markDescriptors(context);
  if (!seccomp.notifies) {
    installFilter(plan, seccomp);
    return;
  }
  plan.withSlot((listener) => {
    installFilter(plan, seccomp, listener);
    const step = { sentence: 'hand the listener of the seccomp filter over', pointer: '/linux/seccomp/listenerPath' };
    plan.step(step, () => {
      // Only the number: the runtime takes the descriptor itself (pidfd_getfd). sendmsg may be a call that the agent is to be asked
      // about, which has no descriptor yet; of write the profile can't say so.
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(MESSAGE.listener, 0);
      const message = plan.variable(bytes, '{listener}');
      plan.store(listener, plan.addressOf(message, 4), 4);
      const channel = descriptor(plan, inputs.channel);
      plan.call('write', [channel, message, 8]);
      waitForGo(context, channel);
      plan.call('close', [plan.slotRef(listener)]);
    });
  });
}
