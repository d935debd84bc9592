// On 32-bit x86 sockets and System V IPC can be reached by two ways: a call of their own (in newer kernels), and one call for all, whose
// first argument says which is meant. A rule holds for both. What the call's own arguments are the filter can't see in the second
// case: they lie in memory.

import type { Condition } from './conditions.ts';

export interface Multiplexed {
  readonly call: 'socketcall' | 'ipc';
  readonly selector: number;
}

/** SYS_* of linux/net.h, from 1 on. */
const SOCKET_CALLS =
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg';
/** linux/ipc.h */
const IPC_CALLS: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

let calls: Map<string, Multiplexed> | undefined;

/** The other way to make the call `name`. */
export function multiplexed(name: string): Multiplexed | undefined {
  if (calls === undefined) {
    calls = new Map();
    let selector = 1;
    for (const call of SOCKET_CALLS.split(' ')) calls.set(call, { call: 'socketcall', selector: selector++ });
    for (const call of Object.keys(IPC_CALLS)) calls.set(call, { call: 'ipc', selector: IPC_CALLS[call] ?? 0 });
  }
  return calls.get(name);
}

/** The rule's conditions for the call that stands for many: the selector takes the place of what is said of the first argument. */
export function selecting({ selector }: Multiplexed, conditions: readonly Condition[]): Condition[] {
  const first: Condition = {
    argument: 0,
    compare: 'EQ',
    high: 0,
    low: selector,
    maskHigh: 0xffffffff,
    maskLow: 0xffffffff,
  };
  return [first, ...conditions.filter(({ argument }) => argument !== 0)];
}
