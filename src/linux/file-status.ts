// statx(2): all of a file's status at once, times to the nanosecond, whatever the engine makes of it.

import type { CheckedCalls } from './checked-calls.ts';
import { encodeDevice } from './device-number.ts';
import { AT_EMPTY_PATH } from './mount-constants.ts';
import { STATX, STATX_MASK } from './statx.ts';

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
  const bytes = Buffer.alloc(STATX.sizeOf);
  call('statx', fd, '', AT_EMPTY_PATH, STATX_MASK.basic, bytes);
  const times = Buffer.alloc(32);
  [STATX.accessTime, STATX.modificationTime].forEach((at, index) => {
    times.writeBigInt64LE(bytes.readBigInt64LE(at), index * 16);
    times.writeBigInt64LE(BigInt(bytes.readUInt32LE(at + 8)), index * 16 + 8);
  });
  return {
    mode: bytes.readUInt16LE(STATX.mode),
    uid: bytes.readUInt32LE(STATX.uid),
    gid: bytes.readUInt32LE(STATX.gid),
    size: Number(bytes.readBigUInt64LE(STATX.size)),
    device: encodeDevice(bytes.readUInt32LE(STATX.major), bytes.readUInt32LE(STATX.minor)),
    times,
  };
}
