// The standard streams become the user's. As runc: programs open /dev/stdout, which needs the right to.

import { AT_EMPTY_PATH } from '../../linux/mount-constants.ts';
import { S_IF, STATX, STATX_MASK } from '../../linux/statx.ts';
import type { PlanBuilder } from '../builder.ts';
import type { Label } from '../plan.ts';
import { type ProcessContext, scratch } from './context.ts';
import { branchUnlessType } from './device-type.ts';

const STREAMS = [0, 1, 2] as const;
const GIVEN_TYPES = [S_IF.fifo, S_IF.regular, S_IF.socket] as const;

export function giveStreams({ plan, inputs }: ProcessContext, uid: number): void {
  const given = inputs.streamsToGive ?? [];
  for (const stream of given === 'others' ? STREAMS : given) {
    plan.step({ sentence: `give standard stream ${stream} to user ${uid}`, pointer: '/process/user/uid' }, () => {
      const kept = plan.label();
      if (given === 'others') lookAt(plan, stream, uid, kept);
      // The owner may have no name in this user namespace, or the file's system be read-only: then it stays.
      plan.call('fchown', [stream, uid, plan.value(0xffffffff, '-1')], { ignoreErrors: true });
      plan.place(kept);
    });
  }
}

/** Goes to `kept` for what container/streams.ts would leave alone: devices, terminals among them, and what is the user's already. */
function lookAt(plan: PlanBuilder, stream: number, uid: number, kept: Label): void {
  const found = scratch(plan, 'statx', STATX.sizeOf);
  const given = plan.label();
  plan.withSlot((of) => {
    plan.load(of, plan.constant(Buffer.alloc(8), '{0}'));
    plan.store(of, plan.addressOf(found, STATX.mode));
    const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
    const flags = plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
    plan.call('statx', [stream, '', flags, mask, found], { ignoreErrors: true });
    plan.load(of, plan.addressOf(found, STATX.uid), 4);
    plan.branch(of, 'equal', uid, kept);
    for (const type of GIVEN_TYPES) {
      const other = plan.label();
      branchUnlessType(plan, found, of, type, other);
      plan.jump(given);
      plan.place(other);
    }
    plan.jump(kept);
  });
  plan.place(given);
}
