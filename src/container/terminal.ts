// process.terminal on the host's side: who gets the terminal's master. With --console-socket its listener, as containerd's shim and
// conmon expect; else this process (container/attach.ts). The socket is connected here, so that init opens no path of the host.

import { fail } from '../error.ts';
import type { TerminalInputs } from '../init/inputs.ts';
import { packetPair } from '../linux/sockets.ts';
import { connectStream, receiveDescriptor } from '../linux/unix-sockets.ts';
import type { Process } from '../spec/generated/types.ts';
import type { Descriptors } from './descriptors.ts';

const POINTER = '/process/terminal';
/** struct winsize has 16 bits. */
const LARGEST = 0xffff;

export interface TerminalChoice {
  /** process.terminal. */
  readonly terminal: boolean;
  /** The command returns while the program runs. */
  readonly detached: boolean;
  /** Absolute. */
  readonly consoleSocket?: string | undefined;
}

/** Throws `usage` for what has nobody, or two, to attend to the terminal. The words are runc's. */
export function checkTerminalChoice({ terminal, detached, consoleSocket }: TerminalChoice): void {
  if (terminal && detached && consoleSocket === undefined) {
    fail({
      code: 'usage',
      message: 'cannot allocate tty if runt will detach without setting console socket',
      pointer: POINTER,
      hint: 'name a listening socket with --console-socket, or set process.terminal to false',
    });
  }
  if (consoleSocket !== undefined && !(terminal && detached)) {
    fail({
      code: 'usage',
      message: 'cannot use console socket if runt will not detach or allocate tty',
      ...(terminal ? {} : { pointer: POINTER }),
      hint: 'leave --console-socket out, or set process.terminal to true and detach',
    });
  }
}

/** What the config says of the terminal. Throws `config`. */
export function terminalSettings({ consoleSize, user }: Process): Omit<TerminalInputs, 'socket'> {
  const uid = user?.uid ?? 0;
  if (consoleSize === undefined || (consoleSize.height === 0 && consoleSize.width === 0)) return { uid };
  for (const name of ['height', 'width'] as const) {
    if (consoleSize[name] <= LARGEST) continue;
    fail({
      code: 'config',
      message: `a terminal can't have a ${name} of ${consoleSize[name]}; ${LARGEST} is the most`,
      pointer: `/process/consoleSize/${name}`,
    });
  }
  return { uid, size: { rows: consoleSize.height, columns: consoleSize.width } };
}

export interface PreparedTerminal {
  readonly inputs: TerminalInputs;
  /**
   * Without a console socket: takes the master, which init has sent before it was ready. Close-on-exec, and the caller's to close.
   * undefined: it went to the console socket.
   */
  receive(): number | undefined;
}

/** Throws `system` where nobody listens; what it opens is in the charge of `descriptors`. */
export function prepareTerminal(
  process: Process,
  consoleSocket: string | undefined,
  descriptors: Descriptors,
): PreparedTerminal {
  const settings = terminalSettings(process);
  if (consoleSocket !== undefined) {
    const doing = { message: `connect to the console socket "${consoleSocket}"`, hint: 'somebody must listen there' };
    const text = `the console socket ${consoleSocket}`;
    const socket = descriptors.inherit(connectStream(doing, consoleSocket), text);
    return { inputs: { socket, ...settings }, receive: () => undefined };
  }
  const [ours, theirs] = packetPair();
  descriptors.own(ours);
  const socket = descriptors.inherit(theirs, 'the runtime');
  return {
    inputs: { socket, ...settings },
    receive() {
      const master = receiveDescriptor(
        { message: "receive the container's terminal from init", pointer: POINTER },
        ours,
      );
      return master ?? fail({ code: 'init', message: 'init sent no terminal', pointer: POINTER });
    },
  };
}
