// What init and the runtime say to each other: over a SOCK_SEQPACKET pair during `create`, over two FIFOs of the state directory during
// `start` (which so needs nothing but node:fs). A message of init is 8 bytes: kind and value (32 bits each, little-endian). A failed
// step is told by the machine's failure record (plan.ts), 16 bytes; its first word is an operation's index, and no operation
// before the 16th can fail while `start` listens, so a first word below 16 is a kind. The runtime's only message is one byte, `GO`.

export const MESSAGE = {
  /** From the launcher: the value is init's pid in the runtime's pid namespace. */
  pid: 1,
  /** The mounts are made, the root is not entered yet: the runtime runs its hooks and answers. */
  hooks: 2,
  /** All of create's steps are done; init waits for the runtime to have written the state. */
  ready: 3,
  /** A hook that init ran has ended badly: the value is its exit status… */
  hookExited: 4,
  /** …or the signal that ended it… */
  hookKilled: 5,
  /** …or it took longer than its time-out: the value is that, in seconds. */
  hookTimeout: 6,
  /** The next system call is the user's program's execve. */
  executing: 7,
  /** The seccomp filter is there and notifies: the value is the number of its listener in init. The runtime takes it and answers. */
  listener: 8,
  /** Init has its network namespace: the runtime moves devices there and answers. */
  network: 9,
  /** A copied tree whose ids only the runtime has the right to map: the value is its number in init. The runtime maps them and answers. */
  tree: 10,
  /** From the launcher of an exec: the process that goes on in its place, born in the container's cgroup. */
  successor: 15,
} as const;

/** What init writes into the file for what hooks print, before each of them: the tail of one is not that of another. */
export const HOOK_MARK = '\0';

export const GO = new Uint8Array([1]);

export type InitMessage =
  | { readonly kind: 'message'; readonly type: number; readonly value: number }
  | { readonly kind: 'failure'; readonly operation: number; readonly errno: number };

const FIRST_FAILURE = 16;

/** The messages in what was read; a part of one at the end is left out. */
export function decodeMessages(bytes: Buffer): InitMessage[] {
  const messages: InitMessage[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const first = bytes.readUInt32LE(at);
    if (first >= FIRST_FAILURE && at + 16 <= bytes.length) {
      messages.push({ kind: 'failure', operation: first, errno: bytes.readUInt32LE(at + 8) });
      at += 16;
    } else {
      messages.push({ kind: 'message', type: first, value: bytes.readUInt32LE(at + 4) });
      at += 8;
    }
  }
  return messages;
}

/** A packet of the pair; undefined: not a message of init. */
export function decodeMessage(bytes: Buffer): InitMessage | undefined {
  if (bytes.length === 8) return { kind: 'message', type: bytes.readUInt32LE(0), value: bytes.readUInt32LE(4) };
  if (bytes.length === 16) return { kind: 'failure', operation: bytes.readUInt32LE(0), errno: bytes.readUInt32LE(8) };
  return undefined;
}
