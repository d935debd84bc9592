// One message of the launcher, of init, or of a program's process to be.

import { fail } from '../error.ts';
import { decodeMessage, type InitMessage } from '../init/messages.ts';
import { ERRNO } from '../linux/errno.ts';
import { receivePacket } from '../linux/sockets.ts';

/** undefined: all other ends are closed. Throws `init`. */
export function receiveMessage(channel: number): InitMessage | undefined {
  const packet = receivePacket(channel);
  // What the runtime had sent and init had not read when it ended.
  if (packet === -ERRNO.ECONNRESET) return undefined;
  if (typeof packet === 'number')
    fail({ code: 'init', message: 'hear from init', syscall: 'recvfrom', errno: -packet });
  if (packet.length === 0) return undefined;
  return decodeMessage(packet) ?? fail({ code: 'init', message: `init sent ${packet.length} bytes that mean nothing` });
}
