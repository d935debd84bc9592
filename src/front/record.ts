// What the front must know of a container to start, signal, show or delete it: a file of the state directory that `create` writes last, as bytes that a
// plan can walk through. Where it is missing the engine does the work.
//
//   offset  size
//   0       8     MAGIC
//   8       8     size of the file
//   16      8     FLAG bits
//   24      8     inode of init's image
//   32      4+4   its device: major, minor (as in struct statx)
//   40      8     pid of init
//   48      32    "/proc/PID/exe"
//   80      24    the time when init was started, as "/proc/PID/stat" has it; NULs
//   104     8     where the path of the cgroup that freezes the container begins; 0: none does
//   112     8     its version, 1 or 2
//   120     8     where what `state` prints begins, up to the pid: the text, and a NUL; 0: it is not known
//   128     8     where what it prints behind the status begins
//   136           the directories to remove, in that order: 8 bytes size of this entry, 8 bytes inode (0: somebody else may need the
//                 directory, then it stays), the path, NULs to the next multiple of 8; after the last one 8 zeros, then those texts
//
// All numbers are little-endian.

export const FRONT_FILE = 'front';
/** Where the front leaves what init has said at its start, if that is not the one thing that it understands. */
export const ANSWER_FILE = 'answer';
/** "runtfr02" */
export const MAGIC = 0x32307266_746e7572n;
export const OFFSET = {
  size: 8,
  flags: 16,
  inode: 24,
  device: 32,
  pid: 40,
  exe: 48,
  startTime: 80,
  freezer: 104,
  freezerVersion: 112,
  stateBegin: 120,
  stateEnd: 128,
  entries: 136,
} as const;
/** Offsets in an entry. */
export const ENTRY = { size: 0, inode: 8, path: 16 } as const;
export const FLAG = {
  /** There is a program, and no poststart hook. */
  start: 1n,
  /** All processes end with init, and there is no poststop hook. */
  delete: 2n,
  /** All processes end with init. */
  kill: 4n,
} as const;
export const EVERY_FLAG = FLAG.start | FLAG.delete | FLAG.kill;
/** The front has room for so much. */
export const LARGEST = 16_384;

export interface FrontRecord {
  readonly flags: bigint;
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startTime: number;
  /** `device:inode` of init's image, as stat(2) has them. */
  readonly image: string;
  readonly directories: readonly { readonly path: string; readonly inode?: number }[];
  readonly freezer?: { readonly path: string; readonly version: 1 | 2 };
  /** What `state` prints, before the pid and behind the status. */
  readonly state?: { readonly begin: string; readonly end: string };
}

/** The file's bytes; undefined where it would be too large for the front. Pure. */
export function encodeFrontRecord(record: FrontRecord): Uint8Array | undefined {
  const { flags, pid, startTime, image, directories, freezer, state } = record;
  let size = OFFSET.entries + 8;
  for (const { path } of directories) size += entrySize(path);
  const texts: { readonly field: number; readonly bytes: Buffer }[] = [];
  const addText = (field: number, text: string): void => void texts.push({ field, bytes: Buffer.from(`${text}\0`) });
  if (freezer !== undefined && !directories.some(({ path }) => path === freezer.path))
    addText(OFFSET.freezer, freezer.path);
  if (state !== undefined) {
    addText(OFFSET.stateBegin, state.begin);
    addText(OFFSET.stateEnd, state.end);
  }
  for (const { bytes } of texts) size += bytes.length;
  if (size > LARGEST) return undefined;
  const bytes = Buffer.alloc(size);
  const [device = '0', inode = '0'] = image.split(':');
  bytes.writeBigUInt64LE(MAGIC, 0);
  bytes.writeUInt32LE(size, OFFSET.size);
  bytes.writeBigUInt64LE(flags, OFFSET.flags);
  bytes.writeBigUInt64LE(BigInt(inode), OFFSET.inode);
  bytes.writeUInt32LE(major(BigInt(device)), OFFSET.device);
  bytes.writeUInt32LE(minor(BigInt(device)), OFFSET.device + 4);
  bytes.writeUInt32LE(pid, OFFSET.pid);
  bytes.write(`/proc/${pid}/exe`, OFFSET.exe, 'latin1');
  bytes.write(String(startTime), OFFSET.startTime, 'latin1');
  bytes.writeUInt32LE(freezer?.version ?? 0, OFFSET.freezerVersion);
  let at: number = OFFSET.entries;
  for (const { path, inode: number } of directories) {
    const own = entrySize(path);
    bytes.writeUInt32LE(own, at + ENTRY.size);
    if (number !== undefined) bytes.writeBigUInt64LE(BigInt(number), at + ENTRY.inode);
    if (path === freezer?.path) bytes.writeUInt32LE(at + ENTRY.path, OFFSET.freezer);
    bytes.write(path, at + ENTRY.path);
    at += own;
  }
  at += 8;
  for (const { field, bytes: text } of texts) {
    bytes.writeUInt32LE(at, field);
    bytes.set(text, at);
    at += text.length;
  }
  return bytes;
}

/** Of the entry of a directory. */
export function entrySize(path: string): number {
  return ENTRY.path + ((Buffer.byteLength(path) + 8) & ~7);
}

/** makedev(3), the other way round. */
export function major(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
}

export function minor(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
}
