// Network devices are moved by the runtime, when init has its network namespace.

import { MESSAGE } from '../messages.ts';
import { type StepContext, send } from './context.ts';
import { waitForGo } from './hooks.ts';

/** They are there for all that follows: hooks, sysctls of theirs, the program. */
export function waitForNetworkDevices(context: StepContext): void {
  const { plan, config, report } = context;
  const names = Object.keys(config.linux?.netDevices ?? {});
  if (names.length === 0) return;
  const sentence = `wait until the runtime has moved network devices here: ${names.join(', ')}`;
  plan.step({ sentence, pointer: '/linux/netDevices' }, () => {
    send(context, 'network', MESSAGE.network);
    waitForGo(context, plan.slotRef(report));
  });
}
