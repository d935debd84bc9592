// A socket of rtnetlink(7) in a network namespace: a request, and what the kernel answers to it.

import { fail } from '../error.ts';
import { ERRNO } from './errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from './mount-constants.ts';
import { NAMESPACES } from './namespaces.ts';
import { decodeReplies, NLM_F_ACK, NLM_F_DUMP, type Reply } from './rtnetlink.ts';
import { type Doing, mustSyscall, syscall } from './syscall.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_TRUNC = 0x20;
/** What netlink(7) calls enough for any datagram of a list; a link with many virtual functions is larger than a page. */
const BUFFER_SIZE = 64 * 1024;
/** How often a list is read again that had changed meanwhile. */
const ATTEMPTS = 20;

export interface RouteSocket {
  /** The kernel's answer. `name` of the request is told with an errno. Throws `system`. */
  request(message: Uint8Array, name: string, doing: Doing): Reply[];
  close(): void;
}

/**
 * The socket stays in the namespace (a descriptor of it), whatever happens to that. The thread is in the namespace for the moment in which the
 * socket is made: a thread of a process with several may do that (setns(2)). Throws `system`.
 */
export function routeSocketIn(namespace: number): RouteSocket {
  const doing = { message: 'enter the network namespace of the container' };
  const own = mustSyscall(
    { message: "open the runtime's own network namespace" },
    'openat',
    AT_FDCWD,
    '/proc/thread-self/ns/net',
    O_RDONLY | O_CLOEXEC,
    0,
  );
  try {
    mustSyscall(doing, 'setns', namespace, NAMESPACES.network.flag);
    try {
      return routeSocket();
    } finally {
      // Nothing more must happen in the wrong namespace.
      mustSyscall({ message: "return to the runtime's network namespace" }, 'setns', own, NAMESPACES.network.flag);
    }
  } finally {
    syscall('close', own);
  }
}

/** In the caller's namespace. Throws `system`. */
export function routeSocket(): RouteSocket {
  const fd = mustSyscall(
    { message: 'open a socket of rtnetlink' },
    'socket',
    AF_NETLINK,
    SOCK_RAW | SOCK_CLOEXEC,
    NETLINK_ROUTE,
  );
  const one = new Uint8Array([1, 0, 0, 0]);
  // The kernel's words for an error; a kernel that has none (before 4.12) says the errno alone.
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) syscall('setsockopt', fd, SOL_NETLINK, option, one, 4);
  return {
    request: (message, name, doing) => request(fd, message, name, doing),
    close: () => void syscall('close', fd),
  };
}

/** The answer to the request, but for its end. Throws `system`. */
function request(fd: number, message: Uint8Array, name: string, doing: Doing): Reply[] {
  for (let attempt = 1; ; attempt++) {
    const answer = ask(fd, message, doing);
    const end = answer.at(-1);
    if (end?.kind === 'end' && end.errno !== 0) {
      const hint = end.text ?? doing.hint;
      fail({ code: 'system', ...doing, syscall: name, errno: end.errno, ...(hint === undefined ? {} : { hint }) });
    }
    if (attempt === ATTEMPTS || answer.every(({ interrupted }) => !interrupted)) return answer;
  }
}

/** All that comes until the end. A request for one thing has that as its whole answer. */
function ask(fd: number, message: Uint8Array, doing: Doing): Reply[] {
  mustSyscall(doing, 'sendto', fd, message, message.length, 0, null, 0);
  const flags = new DataView(message.buffer, message.byteOffset).getUint16(6, true);
  const hasEnd = (flags & (NLM_F_ACK | NLM_F_DUMP)) !== 0;
  const answer: Reply[] = [];
  const buffer = Buffer.alloc(BUFFER_SIZE);
  for (;;) {
    const length = syscall('recvfrom', fd, buffer, buffer.length, MSG_TRUNC, null, null);
    if (length === -ERRNO.EINTR) continue;
    if (length < 0) fail({ code: 'system', ...doing, syscall: 'recvfrom', errno: -length });
    if (length > buffer.length)
      fail({ code: 'system', ...doing, message: `${doing.message}: an answer of ${length} bytes` });
    answer.push(...decodeReplies(buffer.subarray(0, length)));
    if (!hasEnd || answer.at(-1)?.kind === 'end') return answer;
  }
}
