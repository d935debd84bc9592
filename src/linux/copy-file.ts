// What is in a file, and what is known of it, from one open file to another.

import type { CheckedCalls } from './checked-calls.ts';
import type { FileStatus } from './file-status.ts';
import { syscall } from './syscall.ts';

const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const EPERM = 1;
const ENXIO = 6;
const EINVAL = 22;
const ENODATA = 61;
const EOPNOTSUPP = 95;
/** The most that sendfile(2) copies at once. */
const CHUNK = 0x7ffff000;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of <linux/limits.h>. */
const XATTR_SIZE = 65536;

/** `size` bytes, holes as holes. Of a file that is growing no more is copied. */
export function copyData(
  { call, failed }: CheckedCalls,
  from: number,
  to: number,
  size: number,
  count: (bytes: number) => void,
): void {
  const offset = Buffer.alloc(8);
  let at = 0;
  while (at < size) {
    const data = syscall('lseek', from, at, SEEK_DATA);
    if (data === -ENXIO) break;
    if (data < 0 && data !== -EINVAL) failed('lseek', -data);
    // EINVAL: a file system that knows nothing of holes.
    const begin = data < 0 ? at : data;
    const end = data < 0 ? size : Math.min(size, call('lseek', from, begin, SEEK_HOLE));
    if (begin >= end) break;
    count(end - begin);
    call('lseek', to, begin, SEEK_SET);
    for (at = begin; at < end; ) {
      offset.writeBigInt64LE(BigInt(at));
      const copied = call('sendfile', to, from, offset, Math.min(CHUNK, end - at));
      // It was cut short meanwhile.
      if (copied === 0) break;
      at += copied;
    }
    if (at < end) break;
  }
  call('ftruncate', to, size);
}

/** Owner, extended attributes, mode and times, in the order in which none undoes another: chown(2) takes capabilities and set-id bits away. */
export function copyAttributes(calls: CheckedCalls, from: number, to: number, status: FileStatus): void {
  const { call } = calls;
  call('fchown', to, status.uid, status.gid);
  copyXattrs(calls, from, to);
  call('fchmod', to, status.mode & 0o7777);
  call('utimensat', to, null, status.times, 0);
}

/** Those that the other file system takes, and the caller may set. */
export function copyXattrs({ call, failed }: CheckedCalls, from: number, to: number): void {
  const size = syscall('flistxattr', from, null, 0);
  if (size === -EOPNOTSUPP || size === 0) return;
  const list = Buffer.alloc(XATTR_SIZE);
  const length = call('flistxattr', from, list, XATTR_SIZE);
  const value = Buffer.alloc(XATTR_SIZE);
  for (let at = 0; at < length; at = list.indexOf(0, at) + 1) {
    const name = list.subarray(at, list.indexOf(0, at) + 1);
    const bytes = syscall('fgetxattr', from, name, value, XATTR_SIZE);
    // Removed meanwhile, or one that is listed and not readable.
    if (bytes === -ENODATA || bytes === -EOPNOTSUPP || bytes === -EPERM) continue;
    if (bytes < 0) failed('fgetxattr', -bytes);
    const set = syscall('fsetxattr', to, name, value, bytes, 0);
    // tmpfs has user.* since Linux 6.6; trusted.* and security.* are for who is privileged.
    if (set < 0 && set !== -EOPNOTSUPP && set !== -EPERM) failed('fsetxattr', -set);
  }
}
