// Copies what is in a directory into another, by descriptors alone: whoever made the directory, or changes it meanwhile, can lead the copy nowhere
// else. No link is followed, no mount is entered, and nothing but regular files and directories is opened for reading.

import { type CheckedCalls, checkedCalls } from './checked-calls.ts';
import { copyAttributes, copyData } from './copy-file.ts';
import { type FileStatus, fileStatus, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './file-status.ts';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from './mount-constants.ts';
import { syscall } from './syscall.ts';
import type { SyscallName } from './syscall-numbers.ts';

const EPERM = 1;
const ENOENT = 2;
const O_NOATIME = 0o1000000;
/** Each open directory on the way holds two descriptors, and 1024 is a common limit of them. */
export const MAX_COPY_DEPTH = 200;
/** It is more than PATH_MAX. */
const LINK_SIZE = 8192;
const ENTRIES_SIZE = 32768;
const STRICTLY_BELOW = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

export interface DirectoryCopy {
  /** Both open for reading; they stay the caller's. */
  readonly from: number;
  readonly to: number;
  /** Otherwise one that is there is a failure, of mknod(2). */
  readonly mayMakeDevices: boolean;
  /** Called before so many bytes are copied. */
  readonly count: (bytes: number) => void;
  /** Throws. `path`: below `from`. */
  readonly failed: (path: string, call: SyscallName, errno: number) => never;
  readonly tooDeep: (path: string) => never;
}

interface Level {
  readonly from: number;
  readonly to: number;
  readonly status: FileStatus;
  readonly name: string;
  /** NUL-terminated, as the file system has them: they need not be UTF-8. Taken from the end. */
  readonly names: Uint8Array[];
}

/**
 * Contents, owners, modes, times, symbolic links, special files, and the extended attributes of files and directories that the file
 * system of `to` takes. Hard links become files of their own. `to` itself is left as it is.
 */
export function copyDirectory(copy: DirectoryCopy): void {
  const levels: Level[] = [];
  const calls = checkedCalls((call, errno) => copy.failed(pathOf(levels), call, errno));
  const status = fileStatus(calls, copy.from);
  levels.push({ from: copy.from, to: copy.to, status, name: '', names: namesIn(calls, copy.from) });
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names.pop();
      if (name !== undefined) {
        copyEntry(copy, levels, level, name);
        continue;
      }
      // Last, since making what is in it has changed its times, and its mode may forbid to.
      if (levels.length > 1) copyAttributes(calls, level.from, level.to, level.status);
      levels.pop();
      if (levels.length > 0) close(level.from, level.to);
    }
  } finally {
    for (const { from, to } of levels.slice(1)) close(from, to);
  }
}

function close(...fds: number[]): void {
  for (const fd of fds) syscall('close', fd);
}

function pathOf(levels: readonly Level[], name?: Uint8Array): string {
  const names = levels.slice(1).map((level) => level.name);
  if (name !== undefined) names.push(textOf(name));
  return names.join('/');
}

function textOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length - 1).toString('utf8');
}

function copyEntry(copy: DirectoryCopy, levels: Level[], level: Level, name: Uint8Array): void {
  const calls = checkedCalls((call, errno) => copy.failed(pathOf(levels, name), call, errno));
  const how = openHow(O_PATH | O_NOFOLLOW | O_CLOEXEC, STRICTLY_BELOW);
  const handle = syscall('openat2', level.from, name, how, OPEN_HOW_SIZE);
  // Removed since the directory was read: as if it had been before.
  if (handle === -ENOENT) return;
  if (handle < 0) calls.failed('openat2', -handle);
  try {
    const status = fileStatus(calls, handle);
    const type = status.mode & S_IFMT;
    if (type === S_IFDIR) {
      if (levels.length > MAX_COPY_DEPTH) copy.tooDeep(pathOf(levels, name));
      levels.push(enter(calls, level, handle, name, status));
    } else if (type === S_IFREG) copyFile(copy, calls, level, handle, name, status);
    else if (type === S_IFLNK) copyLink(calls, level, handle, name, status);
    else copySpecial(copy, calls, level, name, status);
  } finally {
    close(handle);
  }
}

/** Makes the directory, and opens both. */
function enter(calls: CheckedCalls, level: Level, handle: number, name: Uint8Array, status: FileStatus): Level {
  const { call } = calls;
  const from = openToRead(calls, handle, '.', O_DIRECTORY);
  let to = -1;
  try {
    call('mkdirat', level.to, name, 0o700);
    to = call('openat2', level.to, name, openHow(O_RDONLY | O_DIRECTORY | O_CLOEXEC, STRICTLY_BELOW), OPEN_HOW_SIZE);
    return { from, to, status, name: textOf(name), names: namesIn(calls, from) };
  } catch (error) {
    close(from);
    if (to >= 0) close(to);
    throw error;
  }
}

function copyFile(
  copy: DirectoryCopy,
  calls: CheckedCalls,
  level: Level,
  handle: number,
  name: Uint8Array,
  status: FileStatus,
): void {
  const { call } = calls;
  // By the handle, not by its name: that could be a device by now, and opening some has an effect.
  const from = openToRead(calls, AT_FDCWD, `/proc/self/fd/${handle}`, 0);
  try {
    const flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
    const to = call('openat2', level.to, name, openHow(flags, STRICTLY_BELOW, 0o600), OPEN_HOW_SIZE);
    try {
      copyData(calls, from, to, status.size, copy.count);
      copyAttributes(calls, from, to, status);
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}

function copyLink({ call }: CheckedCalls, level: Level, handle: number, name: Uint8Array, status: FileStatus): void {
  const target = Buffer.alloc(LINK_SIZE);
  const length = call('readlinkat', handle, '', target, LINK_SIZE - 1);
  call('symlinkat', target.subarray(0, length + 1), level.to, name);
  call('fchownat', level.to, name, status.uid, status.gid, AT_SYMLINK_NOFOLLOW);
  call('utimensat', level.to, name, status.times, AT_SYMLINK_NOFOLLOW);
}

/** Devices, FIFOs and sockets. */
function copySpecial(
  copy: DirectoryCopy,
  { call, failed }: CheckedCalls,
  level: Level,
  name: Uint8Array,
  status: FileStatus,
): void {
  // FIFOs, sockets and whiteouts have no number.
  if (status.device !== 0 && !copy.mayMakeDevices) failed('mknodat', EPERM);
  call('mknodat', level.to, name, status.mode, status.device);
  call('fchownat', level.to, name, status.uid, status.gid, AT_SYMLINK_NOFOLLOW);
  // It follows links, but there is none: nobody else can reach this file system yet. mknod's mode went through the umask.
  call('fchmodat', level.to, name, status.mode & 0o7777);
  call('utimensat', level.to, name, status.times, AT_SYMLINK_NOFOLLOW);
}

function openToRead({ call }: CheckedCalls, directory: number, path: string, flags: number): number {
  const all = O_RDONLY | O_CLOEXEC | flags;
  const quiet = syscall('openat', directory, path, all | O_NOATIME, 0);
  // Whoever neither owns the file nor has CAP_FOWNER changes its access time.
  return quiet < 0 ? call('openat', directory, path, all, 0) : quiet;
}

/** All names of the directory but . and .., NUL-terminated. */
function namesIn({ call }: CheckedCalls, directory: number): Uint8Array[] {
  const names: Uint8Array[] = [];
  const entries = Buffer.alloc(ENTRIES_SIZE);
  for (;;) {
    const length = call('getdents64', directory, entries, ENTRIES_SIZE);
    if (length === 0) return names;
    // struct linux_dirent64: inode, offset, length of the record, type, name (getdents(2)).
    for (let at = 0; at < length; at += entries.readUInt16LE(at + 16)) {
      const name = entries.subarray(at + 19, entries.indexOf(0, at + 19) + 1);
      const isDots = name[0] === 0x2e && (name[1] === 0 || (name[1] === 0x2e && name[2] === 0));
      if (!isDots) names.push(Buffer.from(name));
    }
  }
}
