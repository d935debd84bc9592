// What only the host can do or know, done before init is compiled: namespaces opened, sources of mounts copied, facts looked up. It becomes
// the compiler's input (init/inputs.ts).

import { existsSync, fstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import type { CgroupHandles } from '../cgroup/create.ts';
import type { CgroupHost } from '../cgroup/host.ts';
import { fail } from '../error.ts';
import type { CgroupHierarchy, InitInputs, JoinedNamespace, PreparedMount } from '../init/inputs.ts';
import { mayBeMountedOn } from '../init/steps/mounts.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_SIZE,
  MS_SLAVE,
  mountAttr,
  O_CLOEXEC,
  O_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../linux/mount-constants.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import { NAMESPACES } from '../linux/namespaces.ts';
import { cleanPath, resolvePath } from '../linux/paths.ts';
import { ignoredSignals } from '../linux/procfs.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { Config, Mount } from '../spec/generated/types.ts';
import type { Descriptors } from './descriptors.ts';
import { homeOf } from './home.ts';
import { fullyVisibleMounts, mountPointOf } from './host-mounts.ts';
import { findMountPoint, presentComponents } from './mount-point.ts';

const RLIMIT_NOFILE = 7;
const NS_GET_NSTYPE = 0xb703;
const ENOTTY = 25;

export interface PrepareOptions {
  readonly config: Config;
  readonly bundle: string;
  readonly noPivot: boolean;
  readonly preserveFds: number;
  readonly descriptors: Descriptors;
  readonly cgroupHost: CgroupHost;
  readonly cgroups: CgroupHandles;
}

export type Prepared = Pick<
  InitInputs,
  'root' | 'mounts' | 'namespaces' | 'cgroups' | 'caller' | 'kcore' | 'home' | 'noPivot'
>;

/** Throws RuntErrors that name the config's field. */
export function prepare(options: PrepareOptions): Prepared {
  const { config, descriptors, cgroups, noPivot } = options;
  checkPreserved(options.preserveFds);
  const root = prepareRoot(options);
  const namespaces = prepareNamespaces(config, descriptors);
  const mounts: PreparedMount[] = [];
  (config.mounts ?? []).forEach(
    (mount, index) => void mounts.push(prepareMount(options, mount, index, root.tree.fd, mounts)),
  );
  const home = homeOf(config, options.bundle, root.tree.fd);
  return {
    root,
    mounts,
    namespaces,
    cgroups: {
      entries: cgroups.tasks.map(({ controllers, path, fd }) => ({
        controllers,
        file: descriptors.inherit(fd, `${path}/tasks`),
      })),
      ...(cgroups.unified === null ? {} : { directory: descriptors.inherit(cgroups.unified.fd, cgroups.unified.path) }),
    },
    caller: { openFiles: callersOpenFiles(), ignoredSignals: signalNumbers(ignoredSignals()) },
    kcore: existsSync('/proc/kcore'),
    ...(home === undefined ? {} : { home }),
    ...(noPivot ? { noPivot: { fullyVisible: fullyVisibleMounts(root.path) } } : {}),
  };
}

/** A detached copy of the mounts at `path`. Throws `system` with the pointer. */
function copyTree(path: string, recursive: boolean, doing: string, pointer: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  return mustSyscall({ message: doing, pointer }, 'open_tree', AT_FDCWD, path, flags);
}

function prepareRoot({ config, bundle, descriptors }: PrepareOptions): InitInputs['root'] {
  const pointer = '/root/path';
  const given = config.root?.path;
  if (given === undefined) fail({ code: 'config', message: 'root.path is missing', pointer: '/root' });
  const path = resolvePath(bundle, given);
  const doing = `find the root file system "${path}"`;
  const fd = copyTree(path, true, doing, pointer);
  const tree = descriptors.inherit(fd, path);
  if (!fstatSync(fd).isDirectory()) {
    fail({ code: 'config', message: `the root file system "${path}" is not a directory`, pointer });
  }
  const real = realpathSync(path);
  const shared = config.linux?.rootfsPropagation === 'shared';
  return { tree, path: real, ...(shared ? { parentMount: mountPointOf(real) } : {}) };
}

function prepareNamespaces(config: Config, descriptors: Descriptors): InitInputs['namespaces'] {
  const joined: JoinedNamespace[] = [];
  const created: InitInputs['namespaces']['created'][number][] = [];
  (config.linux?.namespaces ?? []).forEach(({ type, path }, index) => {
    const pointer = `/linux/namespaces/${index}`;
    if (path === undefined || path === '') {
      created.push({ type, pointer });
      return;
    }
    const at = `${pointer}/path`;
    const doing = { message: `open the ${type} namespace "${path}"`, pointer: at };
    const fd = mustSyscall(doing, 'openat', AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    joined.push({ type, descriptor: descriptors.inherit(fd, path), pointer: at });
    const kind = syscall('ioctl', fd, NS_GET_NSTYPE, 0);
    if (kind === NAMESPACES[type].flag) {
      refuseHostSysctls(config, type, fd, path);
      return;
    }
    const found = Object.entries(NAMESPACES).find(([, { flag }]) => flag === kind)?.[0];
    fail({
      code: 'config',
      message:
        kind === -ENOTTY || found === undefined
          ? `"${path}" is not a namespace`
          : `"${path}" is a ${found} namespace, not a ${type} namespace`,
      pointer: at,
    });
  });
  return { joined, created };
}

/** A joined namespace may be the host's own by another name: its settings are not the container's to change (CVE-2022-0811). */
function refuseHostSysctls(config: Config, type: string, fd: number, path: string): void {
  if (type !== 'network' || config.linux?.sysctl === undefined) return;
  const key = Object.keys(config.linux.sysctl).find((name) => /^net[./]/.test(name));
  if (key === undefined || fstatSync(fd).ino !== statSync('/proc/self/ns/net').ino) return;
  fail({
    code: 'config',
    message: `sysctl "${key}" is not allowed: the network namespace "${path}" is the host's`,
    pointer: `/linux/sysctl/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  });
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
  if (type !== 'cgroup') return { kind: 'filesystem', type, destination, present };
  if (options.cgroupHost.mode === 'v2') return { kind: 'cgroup2', destination, present };
  return { kind: 'cgroup1', destination, hierarchies: cgroupHierarchies(options), present };
}

type BindMount = Extract<PreparedMount, { kind: 'bind' }>;

const PROC_ROOT_INODE = 1;
const PROC_SUPER_MAGIC = 0x9fa0n;

function prepareBind(
  { config, bundle, descriptors }: PrepareOptions,
  mount: Mount,
  index: number,
  destination: string,
): Omit<BindMount, 'present'> {
  const pointer = `/mounts/${index}/source`;
  if (mount.source === undefined || mount.source === '') {
    fail({ code: 'config', message: `the bind mount on "${destination}" has no source`, pointer });
  }
  const source = resolvePath(bundle, mount.source);
  const { bind, attributes, recursiveAttributes, propagation } = parseMountOptions(mount.options ?? []);
  const recursive = bind?.recursive ?? false;
  const fd = copyTree(source, recursive, `find the mount source "${source}"`, pointer);
  const tree = descriptors.inherit(fd, source);
  const stat = fstatSync(fd);
  if (destination === '/proc') checkProcSource(fd, source, stat.ino, pointer);
  const change = (set: number, clear: number, flag: number, deep: boolean): void => {
    const flags = AT_EMPTY_PATH | (deep ? AT_RECURSIVE : 0);
    const doing = {
      message: `set the attributes of the mount on "${destination}"`,
      pointer: `/mounts/${index}/options`,
    };
    mustSyscall(doing, 'mount_setattr', fd, '', flags, mountAttr(set, clear, flag), MOUNT_ATTR_SIZE);
  };
  // The copy is a peer of the source where that is shared: what is mounted in the container would appear on the host.
  const stays = config.linux?.rootfsPropagation === 'shared' || propagation.some(({ flag }) => flag !== MS_SLAVE);
  const isShared = stays && !propagation.some(({ flag }) => flag === 1 << 18 || flag === 1 << 17);
  change(recursiveAttributes?.set ?? 0, recursiveAttributes?.clear ?? 0, isShared ? 0 : MS_SLAVE, true);
  if (attributes.set !== 0 || attributes.clear !== 0) change(attributes.set, attributes.clear, 0, false);
  return { kind: 'bind', tree, isDirectory: stat.isDirectory(), destination };
}

/** /proc may be bound only from the root of a real procfs (CVE-2019-16884). */
function checkProcSource(fd: number, source: string, inode: number, pointer: string): void {
  const status = Buffer.alloc(120);
  mustSyscall({ message: `look at the file system of "${source}"`, pointer }, 'fstatfs', fd, status);
  if (status.readBigInt64LE(0) === PROC_SUPER_MAGIC && inode === PROC_ROOT_INODE) return;
  fail({
    code: 'config',
    message: `"/proc" cannot be mounted because "${source}" is not of type proc, or not its root`,
    pointer,
  });
}

/** The v1 hierarchies as folders of the container's cgroup mount. */
function cgroupHierarchies({ cgroups }: PrepareOptions): CgroupHierarchy[] {
  return cgroups.tasks.map(({ controllers, path }) => ({ name: controllers.replace(/^name=/, ''), path }));
}

/**
 * The engine has raised its own soft limit to the hard one: the parent's is what the container would have got. The parent may have
 * ended, and ours be another's with higher limits: never more than our own.
 */
function callersOpenFiles(): { soft: bigint; hard: bigint } {
  const own = Buffer.alloc(16);
  const parents = Buffer.alloc(16);
  mustSyscall({ message: 'read the limit of open files' }, 'prlimit64', 0, RLIMIT_NOFILE, null, own);
  const hard = own.readBigUInt64LE(8);
  if (syscall('prlimit64', process.ppid, RLIMIT_NOFILE, null, parents) < 0)
    return { soft: own.readBigUInt64LE(0), hard };
  const soft = parents.readBigUInt64LE(0);
  return { soft: soft < hard ? soft : hard, hard };
}

/** glibc's posix_spawn ignores its two internal signals in the child, whatever the caller did (sysdeps/unix/sysv/linux/spawni.c). */
const IGNORED_BY_SPAWN = 0b11n << 31n;

function signalNumbers(ignored: bigint): number[] {
  const mask = ignored | IGNORED_BY_SPAWN;
  const signals: number[] = [];
  for (let signal = 1; signal <= 64; signal++) if ((mask & (1n << BigInt(signal - 1))) !== 0n) signals.push(signal);
  return signals;
}

/** A descriptor of the engine's own must never be passed on as one of the caller's. */
function checkPreserved(count: number): void {
  for (let fd = 3; fd < 3 + count; fd++) {
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${fd}`);
    } catch (error) {
      fail({ code: 'usage', message: `--preserve-fds ${count}: descriptor ${fd} is not open` }, error);
    }
    if (/^anon_inode:\[(eventpoll|io_uring|eventfd|timerfd)/.test(target)) {
      fail({ code: 'usage', message: `--preserve-fds ${count}: descriptor ${fd} was not passed by the caller` });
    }
  }
}
