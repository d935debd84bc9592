// What init and the runtime say to each other, over the SOCK_SEQPACKET pair during `create` and over the start socket during `start`.
// A message of init is 8 bytes: kind and value (32 bits each, little-endian). A failed step is told by the machine's failure
// record (plan.ts), 16 bytes. The runtime's only message is one byte, `GO`.

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
  /** …or it took longer than its time-out. */
  hookTimeout: 6,
  /** The next system call is the user's program's execve. */
  executing: 7,
} as const;

export const GO = new Uint8Array([1]);

export type InitMessage =
  | { readonly kind: 'message'; readonly type: number; readonly value: number }
  | { readonly kind: 'failure'; readonly operation: number; readonly errno: number };

/** undefined: not a message of init. */
export function decodeMessage(bytes: Buffer): InitMessage | undefined {
  if (bytes.length === 8) return { kind: 'message', type: bytes.readUInt32LE(0), value: bytes.readUInt32LE(4) };
  if (bytes.length === 16) {
    return { kind: 'failure', operation: bytes.readUInt32LE(0), errno: bytes.readUInt32LE(8) };
  }
  return undefined;
}
