// The socket between the front and a launcher: messages keep their bounds, and its end is the other one's.

import type { Slot } from '../init/plan.ts';
import type { Front } from './words.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;

export function makeSocketPair({ plan }: Front, ours: Slot, theirs: Slot): void {
  const pair = plan.variable(8, '{pair}');
  plan.call('socketpair', [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair]);
  plan.load(ours, pair, 4);
  plan.load(theirs, plan.addressOf(pair, 4), 4);
}
