// statx(2): all of a file's status at once, times to the nanosecond, whatever the engine makes of it.

import type { CheckedCalls } from './checked-calls.ts';
import { encodeDevice } from './device-number.ts';
import { AT_EMPTY_PATH } from './mount-constants.ts';

const STATX_BASIC_STATS = 0x7ff;
/** sizeof(struct statx). */
const STATX_SIZE = 256;

export const S_IFMT = 0o170000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;

export interface FileStatus {
  /** With the bits of the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** As mknod(2) takes it. */
  readonly device: number;
  /** Access and modification: two struct timespec, as utimensat(2) takes them. */
  readonly times: Uint8Array;
}

/** Of what the descriptor is for, O_PATH or not. */
export function fileStatus({ call }: CheckedCalls, fd: number): FileStatus {
  const bytes = Buffer.alloc(STATX_SIZE);
  call('statx', fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, bytes);
  const times = Buffer.alloc(32);
  [64, 112].forEach((at, index) => {
    times.writeBigInt64LE(bytes.readBigInt64LE(at), index * 16);
    times.writeBigInt64LE(BigInt(bytes.readUInt32LE(at + 8)), index * 16 + 8);
  });
  return {
    mode: bytes.readUInt16LE(28),
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    size: Number(bytes.readBigUInt64LE(40)),
    device: encodeDevice(bytes.readUInt32LE(128), bytes.readUInt32LE(132)),
    times,
  };
}
