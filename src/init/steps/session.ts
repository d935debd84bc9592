// What init is before it is anything else: a session of its own, with nothing of the caller's keys, and umask 0 while it makes files.

import type { ProcessContext, StepContext } from './context.ts';
import { hasOwnMounts } from './root.ts';

const KEYCTL_JOIN_SESSION_KEYRING = 1;

export function beginSession(context: StepContext): void {
  const { plan, inputs } = context;
  leaveSession(context);
  plan.step({ sentence: 'make files with exactly the modes asked for' }, () => plan.call('umask', [0]));
  inputs.labels?.keyring(context, hasOwnMounts(inputs) ? 'host' : 'container');
  joinKeyring(context);
}

/** No terminal of the caller's can be written to from inside (CVE-2016-10124). */
export function leaveSession({ plan }: ProcessContext): void {
  plan.step({ sentence: 'begin a session without a terminal' }, () => plan.call('setsid', []));
}

export function joinKeyring({ plan, inputs }: ProcessContext): void {
  if (!inputs.newKeyring) return;
  const step = {
    sentence: 'join a new session keyring, so that the keys of the caller are out of reach',
    hint: 'pass --no-new-keyring to share the caller’s',
  };
  plan.step(step, () => {
    const absent = plan.label();
    const join = plan.value(KEYCTL_JOIN_SESSION_KEYRING, 'KEYCTL_JOIN_SESSION_KEYRING');
    // ENOSYS: a kernel without keys.
    plan.call('keyctl', [join, `_ses.${inputs.id}`], { on: { ENOSYS: absent } });
    plan.place(absent);
  });
}
