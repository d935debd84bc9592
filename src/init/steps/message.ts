// Messages of init whose value is known only when they are sent (messages.ts).

import type { Slot } from '../plan.ts';
import type { ProcessContext } from './context.ts';

/** To whoever listens. */
export function sendNumber(context: ProcessContext, name: string, kind: number, value: Slot): void {
  const { plan, report } = context;
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(kind, 0);
  const message = plan.variable(bytes, `{${name}}`);
  plan.store(value, plan.addressOf(message, 4), 4);
  plan.call('write', [plan.slotRef(report), message, 8]);
}
