// What an exec may be asked for besides the program: a terminal, a socket that gets a pidfd.

import type { TerminalInputs } from '../init/inputs.ts';
import { connectStream } from '../linux/unix-sockets.ts';
import type { Process } from '../spec/generated/types.ts';
import type { Descriptors } from './descriptors.ts';
import type { ExecOptions } from './exec.ts';
import { sendPidfd } from './extras.ts';
import { checkTerminalChoice, prepareTerminal } from './terminal.ts';

export interface ExecExtras {
  readonly terminal?: TerminalInputs;
  /** The terminal is brought together with the caller's before the program begins: what it writes first is seen as the rest is. */
  readonly waits: boolean;
  /** The program runs: tells those who asked for its pid. */
  executed(pid: number): void;
  /** The terminal's master, for a command that stays; its own to close. */
  master(): number | undefined;
}

/** Throws `usage` for options that don't go together; `system` where nobody listens. */
export function execExtras(
  { detach, consoleSocket, pidfdSocket }: ExecOptions,
  process: Process,
  descriptors: Descriptors,
): ExecExtras {
  const terminal = process.terminal === true;
  checkTerminalChoice({ terminal, detached: detach, consoleSocket });
  const prepared = terminal ? prepareTerminal(process, consoleSocket, descriptors) : undefined;
  const doing = { message: `connect to the pidfd socket "${pidfdSocket}"`, hint: 'somebody must listen there' };
  const receiver = pidfdSocket === undefined ? undefined : descriptors.own(connectStream(doing, pidfdSocket));
  return {
    ...(prepared === undefined ? {} : { terminal: prepared.inputs }),
    waits: terminal && consoleSocket === undefined,
    executed(pid) {
      if (receiver !== undefined) sendPidfd(receiver, pid, pidfdSocket ?? '', 'setns');
    },
    master: () => prepared?.receive(),
  };
}
