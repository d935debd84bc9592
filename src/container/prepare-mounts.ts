// The config's `mounts` as the host finds them: sources are copied into detached mounts with their attributes, mount points looked for.

import { fstatSync } from 'node:fs';
import type { CgroupHandles } from '../cgroup/create.ts';
import type { CgroupHost } from '../cgroup/host.ts';
import { fail } from '../error.ts';
import type { CgroupHierarchy, PreparedMount } from '../init/inputs.ts';
import { mayBeMountedOn } from '../init/steps/mounts.ts';
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
import { cleanPath, resolvePath } from '../linux/paths.ts';
import { mustSyscall } from '../linux/syscall.ts';
import type { Config, Mount } from '../spec/generated/types.ts';
import { bindChanges } from './bind-attributes.ts';
import type { Descriptors } from './descriptors.ts';
import type { IdMaps } from './mapped-mounts.ts';
import { findMountPoint, presentComponents } from './mount-point.ts';
import type { LateTrees } from './user-namespace.ts';

export interface PrepareOptions {
  readonly config: Config;
  readonly bundle: string;
  readonly noPivot: boolean;
  readonly preserveFds: number;
  readonly descriptors: Descriptors;
  readonly cgroupHost: CgroupHost;
  readonly cgroups: CgroupHandles;
  /** systemd makes the cgroups when the launcher is there. */
  readonly movedByRuntime?: true;
  /** Where trees can't be copied yet: there is a user namespace, or the caller is not root on the host. */
  readonly late?: LateTrees;
  /** Where a mount has ids of its own. */
  readonly mappedMounts?: typeof import('./mapped-mounts.ts');
  /** The container's state directory: see `spawnLauncher`. */
  readonly directory: string;
  /** Where a mount has the option tmpcopyup. */
  readonly copyUp?: typeof import('./copy-up.ts');
}

/** In their order. Throws RuntErrors that name the mount. `root`: a descriptor of the root file system. */
export function prepareMounts(options: PrepareOptions, root: number, idMaps?: IdMaps): PreparedMount[] {
  const mounts: PreparedMount[] = [];
  (options.config.mounts ?? []).forEach((mount, index) => {
    const prepared = prepareMount(options, mount, index, root, mounts);
    mounts.push(idMaps === undefined ? prepared : mapIdsOf(options, mount, index, prepared, idMaps));
  });
  return mounts;
}

/** Init maps them, but for a copy that it can't make itself (LateTree). */
function mapIdsOf(
  { bundle, late }: PrepareOptions,
  mount: Mount,
  index: number,
  prepared: PreparedMount,
  idMaps: IdMaps,
): PreparedMount {
  const { destination, kind } = prepared;
  const source = kind === 'bind' && mount.source !== undefined ? { source: resolvePath(bundle, mount.source) } : {};
  const idMap = idMaps.of(mount, index, { destination, ...source });
  if (idMap === undefined) return prepared;
  if (kind !== 'bind' || late === undefined) return { ...prepared, idMap };
  late.mapIds(prepared.tree.fd, idMap);
  return prepared;
}

/** A detached copy of the mounts at `path`. Throws `system` with the pointer. */
export function copyTree(path: string, recursive: boolean, doing: string, pointer: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  return mustSyscall({ message: doing, pointer }, 'open_tree', AT_FDCWD, path, flags);
}

function prepareMount(
  options: PrepareOptions,
  mount: Mount,
  index: number,
  root: number,
  earlier: readonly PreparedMount[],
): PreparedMount {
  const pointer = `/mounts/${index}`;
  // proc and sysfs go on a plain directory or nowhere: no link is followed for them.
  const isPlain = mount.type === 'proc' || mount.type === 'sysfs';
  const { destination, exists } = findMountPoint(root, cleanPath(mount.destination), !isPlain);
  const present = presentComponents(destination, exists, earlier);
  if (destination === '/') {
    fail({
      code: 'unsupported',
      message: 'a mount on / is not supported yet by this version of runt',
      pointer: `${pointer}/destination`,
    });
  }
  if (!mayBeMountedOn(destination)) {
    fail({
      code: 'config',
      message: `nothing may be mounted on "${destination}", inside /proc`,
      pointer: `${pointer}/destination`,
      hint: 'files that runt itself writes or masks lie there (CVE-2019-16884)',
    });
  }
  const parsed = parseMountOptions(mount.options ?? []);
  const { type } = mount;
  if (parsed.bind !== undefined || type === 'bind')
    return { ...prepareBind(options, mount, index, destination), present };
  if (destination === '/proc' && type !== 'proc') {
    fail({
      code: 'config',
      message: `"${destination}" cannot be mounted because it is not of type proc`,
      pointer: `${pointer}/type`,
    });
  }
  if (type === undefined || type === '' || type === 'none') {
    fail({
      code: 'config',
      message: `the mount on "${destination}" has neither a type nor the option bind`,
      pointer: `${pointer}/type`,
    });
  }
  if (options.copyUp !== undefined && parsed.extensions.includes('tmpcopyup')) {
    const tree = options.copyUp.prepareCopyUp({ options, mount, index, destination, root, earlier });
    if (tree !== undefined) return { kind: 'copyUp', tree, destination, present };
  }
  if (type !== 'cgroup') return { kind: 'filesystem', type, destination, present };
  if (options.cgroupHost.mode === 'v2') {
    const own = ownCgroup2(options, mount, index);
    if (own === undefined) return { kind: 'cgroup2', destination, present };
    return { kind: 'bind', tree: own, isDirectory: true, destination, present };
  }
  return { kind: 'cgroup1', destination, hierarchies: cgroupHierarchies(options), present };
}

type BindMount = Extract<PreparedMount, { kind: 'bind' }>;

const PROC_ROOT_INODE = 1;

function prepareBind(
  { config, bundle, descriptors, late }: PrepareOptions,
  mount: Mount,
  index: number,
  destination: string,
): Omit<BindMount, 'present'> {
  const pointer = `/mounts/${index}/source`;
  if (mount.source === undefined || mount.source === '') {
    fail({ code: 'config', message: `the bind mount on "${destination}" has no source`, pointer });
  }
  const source = resolvePath(bundle, mount.source);
  const { bind } = parseMountOptions(mount.options ?? []);
  const recursive = bind?.recursive ?? false;
  const fd = (late?.open ?? copyTree)(source, recursive, `find the mount source "${source}"`, pointer);
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

/** The v1 hierarchies as folders of the container's cgroup mount. Where the container has no cgroup of its own it sees its caller's. */
function cgroupHierarchies({ cgroups, cgroupHost, late }: PrepareOptions): CgroupHierarchy[] {
  const folder = (controllers: string): string => controllers.replace(/^name=/, '');
  const own = cgroups.record.cgroups.filter(({ version }) => version === 1);
  if (late === undefined) return own.map(({ controllers, path }) => ({ name: folder(controllers), path }));
  return cgroupHost.hierarchies.flatMap(({ version, controllers, mountPoint, own: callers }) => {
    if (version === 2) return [];
    const made = own.find((entry) => entry.controllers === controllers);
    if (made === undefined && callers === null) return [];
    return [{ name: folder(controllers), path: made?.path ?? mountPoint + callers }];
  });
}

/**
 * In a user namespace cgroup2 can be mounted only for a cgroup namespace that belongs to it. Without one the container's cgroup alone is bound,
 * with the options of the mount: nothing else of the host's tree is in reach, and `ro` holds for all of it (CVE-2023-25809).
 */
function ownCgroup2({ config, cgroups, cgroupHost, late, descriptors }: PrepareOptions, mount: Mount, index: number) {
  const isOwn = config.linux?.namespaces?.some(({ type, path = '' }) => type === 'cgroup' && path === '') === true;
  if (late === undefined || isOwn) return undefined;
  const host = cgroupHost.hierarchies.find(({ version }) => version === 2);
  const path =
    cgroups.unified?.path ?? (host === undefined || host.own === null ? undefined : host.mountPoint + host.own);
  if (path === undefined) return undefined;
  const fd = late.open(path, false, `find the container's control group "${path}"`, `/mounts/${index}`);
  late.change(fd, bindChanges(config, mount));
  return descriptors.inherit(fd, path);
}
