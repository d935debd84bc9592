// A process that does nothing but be in a new user namespace, for as long as the runtime needs to open that: the ids of a mount are mapped by
// a namespace (mount_setattr(2), "ID-mapped mounts"), and a namespace begins as some process's. It is a plan like any other, so no engine is
// forked for it.

import { createPlanBuilder } from './builder.ts';
import type { Descriptor } from './inputs.ts';
import type { Plan } from './plan.ts';
import { descriptor } from './steps/context.ts';
import { closeOthers } from './steps/kept-descriptors.ts';

const CLONE_NEWUSER = 0x10000000;
const PR_SET_NAME = 15;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

const READY = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0]);

/** Says that the namespace is there (8 zero bytes), or writes the failure record; ends when the channel does. */
export function compileMappingHolder(channel: Descriptor): Plan {
  const plan = createPlanBuilder();
  const failure = plan.label();
  const to = descriptor(plan, channel);
  plan.step({ sentence: 'name the process' }, () => {
    plan.call('prctl', [plan.value(PR_SET_NAME, 'PR_SET_NAME'), 'runt:ids', 0, 0, 0]);
    plan.call('prctl', [plan.value(PR_SET_PDEATHSIG, 'PR_SET_PDEATHSIG'), SIGKILL, 0, 0, 0]);
  });
  plan.step({ sentence: 'close what the process does not need' }, () => {
    for (const stream of [0, 1, 2]) plan.call('close', [stream], { ignoreErrors: true });
    closeOthers(plan, [channel.fd]);
  });
  plan.step({ sentence: 'make a user namespace for the ids of a mount' }, () => {
    plan.call('unshare', [plan.value(CLONE_NEWUSER, 'CLONE_NEWUSER')]);
    plan.call('write', [to, plan.constant(READY, '{ready}'), READY.length]);
  });
  plan.step({ sentence: 'wait until the runtime has opened the namespace' }, () => {
    plan.call('read', [to, plan.variable(8, '{end}'), 8], { ignoreErrors: true });
    plan.call('exit_group', [0]);
  });
  plan.place(failure);
  plan.step({ sentence: 'tell what failed' }, () => {
    plan.call('write', [to, plan.failureRecord, 16], { ignoreErrors: true });
    plan.call('exit_group', [1]);
  });
  return plan.finish(failure);
}
