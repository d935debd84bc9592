// struct statx (statx(2)), the same on all machines.

/** sizeof, and offsets. */
export const STATX = {
  sizeOf: 256,
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

/** What is asked for. */
export const STATX_MASK = { type: 1, mode: 2, inode: 0x100, basic: 0x7ff } as const;
