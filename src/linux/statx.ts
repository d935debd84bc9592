// struct statx (statx(2)), the same on all machines.

/** sizeof, and offsets. */
export const STATX = {
  sizeOf: 256,
  links: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  inode: 32,
  size: 40,
  accessTime: 64,
  changeTime: 96,
  modificationTime: 112,
  /** Of the device that the file is. */
  major: 128,
  minor: 132,
  /** Of the file system's: major and minor, 4 bytes each. */
  fileSystem: 136,
} as const;

/** Types of files, as bits of st_mode (inode(7)). */
export const S_IF = { fifo: 0o010000, directory: 0o040000, regular: 0o100000, socket: 0o140000 } as const;

/** What is asked for. */
export const STATX_MASK = { type: 1, mode: 2, links: 4, inode: 0x100, basic: 0x7ff } as const;
