// Which control group hierarchies this host has, and where the caller stands in them (cgroups(7)).
// The common layout is found by three kinds of look-up whose cost depends on neither the number of cgroups nor that of
// mounts: statfs(2) tells the file system of /sys/fs/cgroup, /proc/self/cgroup lists the hierarchies, and one statfs for
// each confirms that it is mounted where every distribution mounts it. /proc/self/mountinfo, which has a line for every
// mount of every container, is read only where that fails.

import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { fail } from '../error.ts';
import { attempt } from './failure.ts';

/** CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC of include/uapi/linux/magic.h, by version. */
const MAGIC = { 1: 0x27e0eb, 2: 0x63677270 } as const;
const ROOT = '/sys/fs/cgroup';

export interface Hierarchy {
  readonly version: 1 | 2;
  /** The second field of /proc/self/cgroup: `cpu,cpuacct`, `name=systemd`; empty for v2. */
  readonly controllers: string;
  readonly mountPoint: string;
  /** The caller's cgroup, below the mount point: empty or `/a/b`. Null where it lies outside of what is mounted. */
  readonly own: string | null;
}

export interface CgroupHost {
  /** `v2`: one hierarchy has all controllers; `hybrid`: controllers in v1 hierarchies, and a v2 hierarchy besides. */
  readonly mode: 'v1' | 'hybrid' | 'v2';
  readonly hierarchies: readonly Hierarchy[];
}

/** A line of /proc/PID/cgroup. */
export interface Membership {
  readonly version: 1 | 2;
  readonly controllers: string;
  readonly path: string;
}

/** A mount of cgroupfs, as /proc/PID/mountinfo tells it. */
export interface CgroupMount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly mountPoint: string;
  /** Super options: for v1 they include the controllers and the name. */
  readonly options: readonly string[];
}

/** /proc/PID/cgroup (cgroups(7)): `hierarchy-ID:controller-list:cgroup-path`, and `0::path` for v2. */
export function parseMemberships(text: string): readonly Membership[] {
  const memberships: Membership[] = [];
  for (const line of text.split('\n')) {
    // The path is the rest: it may hold colons.
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) continue;
    const controllers = line.slice(first + 1, second);
    const version = line.slice(0, first) === '0' && controllers === '' ? 2 : 1;
    memberships.push({ version, controllers, path: line.slice(second + 1) });
  }
  return memberships;
}

/** The mounts of cgroupfs in a /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export function parseCgroupMounts(text: string): readonly CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of text.split('\n')) {
    // " - " separates the optional fields from type, source and super options; spaces in paths are written \040.
    const separator = line.indexOf(' - ');
    if (!line.startsWith('cgroup', separator + 3)) continue;
    const [type, , options] = line.slice(separator + 3).split(' ');
    const [, , , root, mountPoint] = line.split(' ');
    if ((type !== 'cgroup' && type !== 'cgroup2') || root === undefined || mountPoint === undefined) continue;
    mounts.push({
      version: type === 'cgroup2' ? 2 : 1,
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      options: options?.split(',') ?? [],
    });
  }
  return mounts;
}

/**
 * Finds the hierarchies that are mounted, and the caller's place in them. A v1 hierarchy that is mounted nowhere is left out.
 * Throws `host` where no cgroupfs is mounted at all.
 */
export function detectCgroups(): CgroupHost {
  const memberships = parseMemberships(
    attempt('read /proc/self/cgroup', () => readFileSync('/proc/self/cgroup', 'utf8')),
  );
  let mounts: readonly CgroupMount[] | undefined;
  const readMounts = () => {
    mounts ??= parseCgroupMounts(
      attempt('read /proc/self/mountinfo', () => readFileSync('/proc/self/mountinfo', 'utf8')),
    );
    return mounts;
  };
  const unified = isCgroupfs(ROOT, 2);
  const hierarchies: Hierarchy[] = [];
  for (const membership of memberships) {
    // With v2 at the usual place, v1 hierarchies are somebody's private mounts: no runtime manages containers in them.
    if (unified && membership.version === 1) continue;
    const usual = unified ? ROOT : `${ROOT}/${usualName(membership)}`;
    const { version, controllers, path } = membership;
    let mountPoint = usual;
    if (!isCgroupfs(usual, version)) {
      const mount = readMounts().find((mount) => isMountOf(mount, membership));
      if (mount === undefined) continue;
      mountPoint = mount.mountPoint;
    }
    const own = ownBelow(mountPoint, path, () => readMounts().find((mount) => mount.mountPoint === mountPoint)?.root);
    hierarchies.push({ version, controllers, mountPoint, own });
  }
  if (hierarchies.length === 0)
    return fail({
      code: 'host',
      message: 'no control group hierarchy is mounted',
      hint: `mount cgroup2 on ${ROOT}`,
    });
  const hasV1 = hierarchies.some((hierarchy) => hierarchy.version === 1);
  const hasV2 = hierarchies.some((hierarchy) => hierarchy.version === 2);
  return { mode: hasV1 ? (hasV2 ? 'hybrid' : 'v1') : 'v2', hierarchies };
}

/** The directory in /sys/fs/cgroup: a v1 hierarchy's has the name of its controllers, v2's beside v1 is `unified`. */
function usualName(membership: Membership): string {
  return membership.version === 2 ? 'unified' : membership.controllers.replace(/^name=/, '');
}

function isCgroupfs(path: string, version: 1 | 2): boolean {
  try {
    return statfsSync(path).type === MAGIC[version];
  } catch {
    // Whatever the reason, it is not usable as one; the caller looks elsewhere and reports what it did not find.
    return false;
  }
}

function isMountOf(mount: CgroupMount, membership: Membership): boolean {
  if (mount.version !== membership.version) return false;
  return membership.version === 2 || membership.controllers.split(',').every((name) => mount.options.includes(name));
}

/**
 * The caller's cgroup below the mount point. In a container without a cgroup namespace /proc/self/cgroup tells the host's path,
 * while the mount shows only a part of the hierarchy, whose root mountinfo tells.
 */
function ownBelow(mountPoint: string, path: string, root: () => string | undefined): string | null {
  if (path === '/') return '';
  // A cgroup namespace shows what is above it as `/..`.
  if (path.startsWith('/../') || path === '/..') return null;
  if (existsSync(mountPoint + path)) return path;
  const mounted = root() ?? '/';
  if (mounted === '/') return path;
  if (path === mounted) return '';
  return path.startsWith(`${mounted}/`) ? path.slice(mounted.length) : null;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
