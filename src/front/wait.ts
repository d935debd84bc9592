// How the front waits for a process: signals that are meant for it are held off, and passed on.

import type { DataRef, Label, Slot } from '../init/plan.ts';
import { type Front, ref, set } from './words.ts';

export const SIGCHLD = 17;
/** sizeof(sigset_t) of the kernel. */
export const SIGNAL_SET = 8;
const WNOHANG = 1;

export interface Waiting {
  readonly signals: DataRef;
  readonly status: DataRef;
  /** The process whose end is waited for. */
  readonly target: Slot;
}

/** Until the process has ended, or (`lost`) there is no child: other children are reaped, and signals passed on to it. It is not reaped by anybody else, so the pid stays its own. */
export function waitForEnd(front: Front, { signals, status, target }: Waiting, lost?: Label): void {
  const { plan } = front;
  plan.step({ sentence: 'wait for its end, and pass signals on' }, () => {
    const [reap, wait, ended] = [plan.label(), plan.label(), plan.label()];
    plan.withSlot((got) => {
      plan.place(reap);
      plan.call('wait4', [-1, status, WNOHANG, 0], {
        result: got,
        ...(lost === undefined ? {} : { on: { ECHILD: lost } }),
      });
      plan.branch(got, 'equal', ref(front, target), ended);
      plan.branch(got, 'notEqual', 0, reap);
      plan.place(wait);
      plan.call('rt_sigtimedwait', [signals, 0, 0, SIGNAL_SET], { result: got });
      plan.branch(got, 'equal', SIGCHLD, reap);
      plan.call('kill', [ref(front, target), ref(front, got)], { ignoreErrors: true });
      plan.jump(wait);
      plan.place(ended);
    });
  });
}

/** The exit status for the caller: the program's, or 128 and the signal (wait(2), "wstatus"). */
export function exitWith(front: Front, status: DataRef): void {
  const { plan } = front;
  plan.step({ sentence: 'end as the program did' }, () => {
    const [signal, code] = [plan.slot(), plan.slot()];
    const [exited, noCore] = [plan.label(), plan.label()];
    plan.load(signal, status, 1);
    plan.load(code, plan.addressOf(status, 1), 1);
    plan.branch(signal, 'equal', 0, exited);
    plan.branch(signal, 'less', 128, noCore);
    plan.add(signal, -128);
    plan.place(noCore);
    plan.add(signal, 128);
    set(front, code, ref(front, signal));
    plan.place(exited);
    plan.call('exit_group', [ref(front, code)]);
    plan.free(signal);
    plan.free(code);
  });
}

/** sigset_t of the kernel: bit n-1 is signal n. */
export function signalSet(signals: readonly number[]): Uint8Array {
  let bits = 0n;
  for (const signal of signals) bits |= 1n << BigInt(signal - 1);
  const bytes = Buffer.alloc(SIGNAL_SET);
  bytes.writeBigUInt64LE(bits);
  return bytes;
}
