// Mount points that the image hides behind links to nothing: /etc/resolv.conf of many images is one.

import { fstatSync } from 'node:fs';
import type { PreparedMount } from '../init/inputs.ts';
import { IN_ROOT } from '../init/steps/context.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_NO_SYMLINKS,
} from '../linux/mount-constants.ts';
import { cleanPath } from '../linux/paths.ts';
import { syscall } from '../linux/syscall.ts';

const ENOENT = 2;
/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

function open(root: number, path: string, flags: number, resolve = 0): number {
  return syscall('openat2', root, path, openHow(flags | O_PATH | O_CLOEXEC, IN_ROOT | resolve), OPEN_HOW_SIZE);
}

export interface MountPoint {
  /** The path, with links that lead to nothing replaced by where they lead, inside the root. */
  readonly destination: string;
  /** The image has it, and no link on the way: a later mount over where a link leads would hide it. */
  readonly exists: boolean;
}

/** Init makes what is missing, and opens it in the root again: the answer is a name and a hint, no safety relies on it. */
export function findMountPoint(root: number, path: string, followLinks: boolean): MountPoint {
  const plain = open(root, path, 0, RESOLVE_NO_SYMLINKS);
  if (plain >= 0) {
    syscall('close', plain);
    return { destination: path, exists: true };
  }
  if (!followLinks) return { destination: path, exists: false };
  const found = open(root, path, 0);
  if (found >= 0) syscall('close', found);
  if (found !== -ENOENT) return { destination: path, exists: false };
  let current = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = followFirstLink(root, current);
    if (next === undefined) return { destination: current, exists: false };
    current = next;
  }
  return { destination: path, exists: false };
}

/** Whether the root, a path on the host, has the path without a link on the way. `unclear`: neither that nor that it has none. */
export function plainPlace(root: string, path: string): 'there' | 'absent' | 'unclear' {
  const directory = syscall('openat', AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0) return 'unclear';
  const found = open(directory, path, 0, RESOLVE_NO_SYMLINKS);
  syscall('close', directory);
  if (found === -ENOENT) return 'absent';
  if (found < 0) return 'unclear';
  syscall('close', found);
  return 'there';
}

/** File systems that are empty when they are mounted. */
const EMPTY = new Set(['tmpfs', 'ramfs']);
/** File systems in which no directory can be made: the mount point is there, or it is an error. */
const FIXED = new Set(['proc', 'sysfs', 'mqueue', 'devpts']);

/** How many components of the destination are there for sure after the earlier mounts (InitInputs, `present`). */
export function presentComponents(
  destination: string,
  existsInImage: boolean,
  earlier: readonly PreparedMount[],
): number {
  const all = depth(destination);
  const cover = coverOf(destination, earlier);
  if (cover === undefined) return existsInImage ? all : 0;
  if (cover.destination === destination) return all;
  if (cover.kind !== 'filesystem') return 0;
  if (FIXED.has(cover.type)) return all;
  return EMPTY.has(cover.type) ? depth(cover.destination) : 0;
}

/** Number of components. */
const depth = (path: string): number => (path === '/' ? 0 : path.split('/').length - 1);

/** The last mount that lies on the path, or on a directory above it. */
function coverOf(path: string, earlier: readonly PreparedMount[]): PreparedMount | undefined {
  return earlier.findLast(
    ({ destination }) => destination === '/' || destination === path || path.startsWith(`${destination}/`),
  );
}

/** Whether it is not the image's any more. */
export function isCovered(path: string, earlier: readonly PreparedMount[]): boolean {
  return coverOf(path, earlier) !== undefined;
}

/** The mode of the image's directory, by a path without links; undefined: it is none. */
export function modeOfDirectory(root: number, path: string): number | undefined {
  const fd = open(root, path, O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (fd < 0) return undefined;
  const { mode } = fstatSync(fd);
  syscall('close', fd);
  return mode & 0o7777;
}

/** The path with its first component that is a link followed; undefined: there is none. */
function followFirstLink(root: number, path: string): string | undefined {
  const parts = path.split('/').slice(1);
  for (let index = 0; index < parts.length; index++) {
    const prefix = `/${parts.slice(0, index + 1).join('/')}`;
    const fd = open(root, prefix, O_NOFOLLOW);
    if (fd < 0) return undefined;
    const target = Buffer.alloc(4096);
    const length = syscall('readlinkat', fd, '', target, target.length);
    syscall('close', fd);
    if (length < 0) continue;
    const text = target.toString('utf8', 0, length);
    const rest = parts.slice(index + 1).join('/');
    const base = text.startsWith('/') ? '' : `/${parts.slice(0, index).join('/')}`;
    return cleanPath(`${base}/${text}/${rest}`);
  }
  return undefined;
}
