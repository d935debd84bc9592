// What the front needs for another program in a container: the image of a launcher that takes any program, and what must still be as it was when
// that was compiled. An engine leaves it in the state directory when the front asks for it; the front carries out every exec that it describes, until
// something is not as it says.
//
//   offset  size
//   0       8     MAGIC
//   8       8     size of what comes before the image, a multiple of 8
//   16      8     size of the image, which is the rest of the file
//   24      8     the build of runt that has made it
//   32      8     pid of init
//   40      32    "/proc/PID/stat"
//   72      32    "/proc/PID/root"
//   104     24    the time when init was started, as that file has it; NULs
//   128     8     inode of the caller's user namespace
//   136     8     of its time namespace; 0: the kernel has none
//   144     8     1: HOME was looked up in the container's /etc/passwd, which is:
//   152     8     its inode; 0: there is none
//   160     4+4   its device: major, minor
//   168     8     when its status was changed: seconds,
//   176     8     nanoseconds
//   184     8     of a process that a file describes: size of the file's part before its arguments,
//   192     8     and of the part behind them
//   200     32    "/proc/PID/ns/user"
//   232     32    "/proc/PID/ns/time"
//   264     8     inode of init's user namespace,
//   272     8     of its time namespace; 0: the kernel has none
//   280           ENTRY by ENTRY what is opened; after the last one 8 zeros, then those two parts, then NULs
//
// All numbers are little-endian.

/**
 * In the state directory: for the container's own process with other arguments, and for the last one that a file has described. Empty where the
 * container is not for the front at all.
 */
export const EXEC_FILE = 'exec';
export const PROCESS_FILE = 'exec.process';
/** "runtex01" */
export const MAGIC = 0x31307865_746e7572n;
export const OFFSET = {
  header: 8,
  image: 16,
  build: 24,
  pid: 32,
  stat: 40,
  root: 72,
  startTime: 104,
  userNamespace: 128,
  timeNamespace: 136,
  home: 144,
  passwd: 152,
  device: 160,
  seconds: 168,
  nanoseconds: 176,
  before: 184,
  behind: 192,
  userPath: 200,
  timePath: 232,
  initsUserNamespace: 264,
  initsTimeNamespace: 272,
  entries: 280,
} as const;
/**
 * Offsets in an entry: its size, a multiple of 8; the number that the launcher finds it under (0: it is only looked at); the flags to open it
 * with, or the byte that it must begin with; the path.
 */
export const ENTRY = { size: 0, number: 8, flags: 16, path: 24 } as const;
/** The front has room for a description of that size, and for so much before the image. */
export const LARGEST_PROCESS = 65_536;
export const LARGEST = LARGEST_PROCESS + 16_384;

/** Numbers of the launcher's descriptors, beyond those that the front itself gets. */
export const FIRST_NUMBER = 200;
export const CHANNEL = FIRST_NUMBER;
export const PIDFD = FIRST_NUMBER + 1;
export const FIRST_ENTRY = FIRST_NUMBER + 2;

export interface PasswdFile {
  readonly inode: bigint;
  readonly major: number;
  readonly minor: number;
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

export interface ExecRecord {
  readonly pid: number;
  readonly startTime: number;
  /** Inodes; the caller's, and init's, which decide what is joined. */
  readonly userNamespace: number;
  readonly timeNamespace: number;
  readonly initsUserNamespace: number;
  readonly initsTimeNamespace: number;
  /** Absent: HOME does not depend on it. `none`: there is none. */
  readonly passwd?: PasswdFile | 'none';
  readonly opened: readonly { readonly path: string; readonly flags: number }[];
  /** The text of the file that describes the process, but for its arguments. */
  readonly description?: { readonly before: Uint8Array; readonly behind: Uint8Array };
  /** Files that must begin with a character. */
  readonly expected: readonly { readonly path: string; readonly first: string }[];
}

/** The same in the front and the engine of one build: what another one has prepared is not used. */
export function thisBuild(): bigint {
  return BigInt(`0x${process.env['RUNT_BUILD'] ?? '0'}`);
}

/** What comes before the image; undefined where it would be too large for the front. Pure. */
export function encodeExecRecord(record: ExecRecord, imageSize: number): Uint8Array | undefined {
  const { pid, passwd, opened, expected, description } = record;
  let size = OFFSET.entries + 8;
  for (const { path } of [...opened, ...expected]) size += entrySize(path);
  if (description !== undefined) size += description.before.length + description.behind.length;
  size = (size + 7) & ~7;
  if (size > LARGEST) return undefined;
  const bytes = Buffer.alloc(size);
  const number = (at: number, value: bigint | number): void => void bytes.writeBigUInt64LE(BigInt(value), at);
  number(0, MAGIC);
  number(OFFSET.header, size);
  number(OFFSET.image, imageSize);
  number(OFFSET.build, thisBuild());
  number(OFFSET.pid, pid);
  bytes.write(`/proc/${pid}/stat`, OFFSET.stat);
  bytes.write(`/proc/${pid}/root`, OFFSET.root);
  bytes.write(String(record.startTime), OFFSET.startTime);
  number(OFFSET.userNamespace, record.userNamespace);
  number(OFFSET.timeNamespace, record.timeNamespace);
  bytes.write(`/proc/${pid}/ns/user`, OFFSET.userPath);
  bytes.write(`/proc/${pid}/ns/time`, OFFSET.timePath);
  number(OFFSET.initsUserNamespace, record.initsUserNamespace);
  number(OFFSET.initsTimeNamespace, record.initsTimeNamespace);
  if (passwd !== undefined) number(OFFSET.home, 1);
  if (passwd !== undefined && passwd !== 'none') {
    number(OFFSET.passwd, passwd.inode);
    bytes.writeUInt32LE(passwd.major, OFFSET.device);
    bytes.writeUInt32LE(passwd.minor, OFFSET.device + 4);
    number(OFFSET.seconds, passwd.seconds);
    number(OFFSET.nanoseconds, passwd.nanoseconds);
  }
  let at: number = OFFSET.entries;
  const entry = (path: string, given: number, flags: number): void => {
    number(at + ENTRY.size, entrySize(path));
    number(at + ENTRY.number, given);
    number(at + ENTRY.flags, flags);
    bytes.write(path, at + ENTRY.path);
    at += entrySize(path);
  };
  // What is only looked at comes first: before anything is begun.
  for (const { path, first } of expected) entry(path, 0, first.charCodeAt(0));
  opened.forEach(({ path, flags }, index) => void entry(path, FIRST_ENTRY + index, flags));
  if (description === undefined) return bytes;
  const { before, behind } = description;
  number(OFFSET.before, before.length);
  number(OFFSET.behind, behind.length);
  bytes.set(before, at + 8);
  bytes.set(behind, at + 8 + before.length);
  return bytes;
}

function entrySize(path: string): number {
  return ENTRY.path + ((Buffer.byteLength(path) + 8) & ~7);
}
