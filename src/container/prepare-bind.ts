// Sources of bind mounts.

import { fstatSync } from 'node:fs';
import { fail } from '../error.ts';
import type { PreparedMount } from '../init/inputs.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_SIZE,
  mountAttr,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROC_SUPER_MAGIC,
} from '../linux/mount-constants.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import { resolvePath, stripRoot } from '../linux/paths.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import { type Doing, mustSyscall } from '../linux/syscall.ts';
import type { Mount } from '../spec/generated/types.ts';
import { bindChanges, isCopiedInTurn } from './bind-attributes.ts';
import type { PrepareOptions } from './prepare-mounts.ts';

/** A detached copy of the mounts at `path`. Throws `system` with the pointer. */
export function copyTree(path: string, recursive: boolean, doing: string, pointer: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  return mustSyscall({ message: doing, pointer }, 'open_tree', AT_FDCWD, path, flags);
}

type Unplaced<Kind extends PreparedMount['kind']> = Omit<Extract<PreparedMount, { kind: Kind }>, 'present'>;

const PROC_ROOT_INODE = 1;

/** Of the container's root, on the host: as it is given, and without links. */
export type RootPaths = readonly string[];

/**
 * The source as a path in the container's root, if it lies there and an earlier mount has to do with what is to be bound: then it is that which
 * is meant, and the host does not have it. `earlier`: where those mounts are, and where the config wants them: a link of the image that leads one elsewhere must
 * not decide what is looked up on the host. Pure.
 */
export function innerSource(
  roots: RootPaths,
  source: string,
  recursive: boolean,
  earlier: readonly string[],
): string | undefined {
  // On the host's own root nothing can be told apart.
  const root = roots.find((path) => path !== '/' && (source === path || source.startsWith(`${path}/`)));
  if (root === undefined) return undefined;
  const inside = stripRoot(root, source);
  const isBelow = (path: string, other: string): boolean => path === other || path.startsWith(`${other}/`);
  const matters = earlier.some(
    (destination) => isBelow(inside, destination) || (recursive && (inside === '/' || isBelow(destination, inside))),
  );
  return matters ? inside : undefined;
}

export interface BindToPrepare {
  readonly mount: Mount;
  readonly index: number;
  readonly destination: string;
  readonly roots: RootPaths;
  /** Of innerSource. */
  readonly earlier: readonly string[];
}

export function prepareBind(
  { config, bundle, descriptors, late }: PrepareOptions,
  { mount, index, destination, roots, earlier }: BindToPrepare,
): Unplaced<'bind'> | Unplaced<'hostBind'> | Unplaced<'innerBind'> {
  const pointer = `/mounts/${index}/source`;
  if (mount.source === undefined || mount.source === '') {
    fail({ code: 'config', message: `the bind mount on "${destination}" has no source`, pointer });
  }
  const source = resolvePath(bundle, mount.source);
  const { bind } = parseMountOptions(mount.options ?? []);
  const recursive = bind?.recursive ?? false;
  const inside = destination === '/proc' ? undefined : innerSource(roots, source, recursive, earlier);
  if (inside !== undefined)
    return { kind: 'innerBind', source: inside, recursive, changes: bindChanges(config, mount), destination };
  const find = `find the mount source "${source}"`;
  if (late === undefined && isCopiedInTurn(config, { source, recursive, destination, roots })) {
    const isDirectory = isDirectoryAt(source, { message: find, pointer });
    return { kind: 'hostBind', source, recursive, isDirectory, changes: bindChanges(config, mount), destination };
  }
  const fd = (late?.open ?? copyTree)(source, recursive, find, pointer);
  const tree = descriptors.inherit(fd, source);
  const stat = fstatSync(fd);
  if (destination === '/proc') checkProcSource(fd, source, stat.ino, pointer);
  const changes = bindChanges(config, mount);
  if (late !== undefined) late.change(fd, changes);
  else {
    const doing = {
      message: `set the attributes of the mount on "${destination}"`,
      pointer: `/mounts/${index}/options`,
    };
    for (const { set, clear, propagation, recursive } of changes) {
      const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
      mustSyscall(doing, 'mount_setattr', fd, '', flags, mountAttr(set, clear, propagation), MOUNT_ATTR_SIZE);
    }
  }
  return { kind: 'bind', tree, isDirectory: stat.isDirectory(), destination };
}

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

function isDirectoryAt(path: string, doing: Doing): boolean {
  const status = Buffer.alloc(STATX.sizeOf);
  mustSyscall(doing, 'statx', AT_FDCWD, path, 0, STATX_MASK.type, status);
  return (status.readUInt16LE(STATX.mode) & S_IFMT) === S_IFDIR;
}

/** /proc may be bound only from the root of a real procfs (CVE-2019-16884). */
function checkProcSource(fd: number, source: string, inode: number, pointer: string): void {
  const status = Buffer.alloc(120);
  mustSyscall({ message: `look at the file system of "${source}"`, pointer }, 'fstatfs', fd, status);
  if (status.readBigInt64LE(0) === BigInt(PROC_SUPER_MAGIC) && inode === PROC_ROOT_INODE) return;
  fail({
    code: 'config',
    message: `"/proc" cannot be mounted because "${source}" is not of type proc, or not its root`,
    pointer,
  });
}
