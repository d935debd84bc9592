// Signals that `run` and `exec` pass on while they wait for a program in the foreground.

import { FORWARDED_SIGNALS } from '../front/run-protocol.ts';

type Name = keyof typeof FORWARDED_SIGNALS;
const OF_JOB_CONTROL: readonly Name[] = ['SIGTTIN', 'SIGTTOU'];

/**
 * Calls `send` with each from now on. Returns what ends that. `relays`: this command reads the caller's terminal for the program; from the
 * background it then stops with the job, so that a shell knows how to go on (`fg`).
 */
export function forwardSignals(send: (signal: number, name: string) => void, relays = false): () => void {
  const forward = (name: string, signal: number): void => send(signal, name);
  const names = (Object.keys(FORWARDED_SIGNALS) as Name[]).filter((name) => !relays || !OF_JOB_CONTROL.includes(name));
  for (const name of names) process.on(name, forward);
  return () => {
    for (const name of names) process.off(name, forward);
  };
}
