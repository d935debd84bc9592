// Where a container's control groups are: config and host to one directory in each hierarchy. Nothing here has an effect.

import { fail } from '../error.ts';
import type { CgroupHost, Hierarchy } from './host.ts';

const POINTER = '/linux/cgroupsPath';

/** NAME_MAX of <linux/limits.h>, in bytes of UTF-8. */
const LONGEST_NAME = 255;
/** So that a mount point before it and a control file behind it are within PATH_MAX. */
const LONGEST_PATH = 3584;

/** The container's cgroup in one hierarchy. */
export interface CgroupPath {
  readonly version: 1 | 2;
  /** As in /proc/self/cgroup: `cpu,cpuacct`, `name=systemd`; empty for v2. */
  readonly controllers: string;
  readonly mountPoint: string;
  /** The directory, with the mount point before it. */
  readonly path: string;
}

export interface CgroupRequest {
  /** linux.cgroupsPath. */
  readonly cgroupsPath?: string | undefined;
  /** The container's id, already checked to be one. */
  readonly id: string;
}

/**
 * The directory of the container's cgroup in each hierarchy (specification, config-linux.md, "Cgroups Path"):
 * - absolute: below the mount point of each hierarchy;
 * - relative: below the caller's own cgroup in each v1 hierarchy, and beside it where v2 is alone, as runc does (the specification leaves the
 *   place open): a v2 cgroup with processes in it, such as the caller's, can not hand controllers down (cgroups(7), "No internal processes");
 * - missing or empty: the container's id, as a relative path.
 * Throws `config` for a path that could name anything but a cgroup of this container: `..`, NUL or a line break, the root.
 */
export function planCgroups(host: CgroupHost, request: CgroupRequest): readonly CgroupPath[] {
  const { cgroupsPath, id } = request;
  const given = cgroupsPath === undefined || cgroupsPath === '' ? undefined : cgroupsPath;
  const components = given === undefined ? [id] : componentsOf(given);
  const inner = `/${components.join('/')}`;
  const absolute = given?.startsWith('/') === true;
  return host.hierarchies.map((hierarchy) => {
    const { version, controllers, mountPoint } = hierarchy;
    const own = absolute ? '' : ownOf(hierarchy);
    const below = host.mode === 'v2' ? own.slice(0, Math.max(0, own.lastIndexOf('/'))) : own;
    return { version, controllers, mountPoint, path: mountPoint + below + inner };
  });
}

function componentsOf(path: string): readonly string[] {
  const refuse = (message: string, hint?: string): never =>
    fail({ code: 'config', message, pointer: POINTER, ...(hint === undefined ? {} : { hint }) });
  // The kernel refuses a line break in the name of a cgroup, since /proc/PID/cgroup could not be read any more.
  if (/[\0\n]/.test(path)) refuse(`cgroupsPath ${JSON.stringify(path)} contains a NUL byte or a line break`);
  if (/^[^/:]*:[^/:]*:[^/:]+$/.test(path))
    refuse(
      `cgroupsPath ${JSON.stringify(path)} has the form slice:prefix:name, which is for systemd`,
      'pass --systemd-cgroup, or give a path',
    );
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  // Resolved or not, such a path means something else than it seems to: nobody needs one, attackers do.
  if (components.includes('..')) refuse(`cgroupsPath ${JSON.stringify(path)} contains ".."`);
  // Asked only of what may be too long: most paths are not.
  if (path.length > LONGEST_NAME / 3) {
    const long = components.find((component) => Buffer.byteLength(component) > LONGEST_NAME);
    if (long !== undefined)
      refuse(`cgroupsPath has a name of more than the ${LONGEST_NAME} bytes that the kernel takes`);
    if (Buffer.byteLength(path) > LONGEST_PATH) refuse(`cgroupsPath has more than ${LONGEST_PATH} bytes`);
  }
  // In the root are the processes of the host: they must be neither limited nor killed with the container.
  if (components.length === 0)
    refuse(`cgroupsPath ${JSON.stringify(path)} is the root, which can't be a container's cgroup`);
  return components;
}

function ownOf(hierarchy: Hierarchy): string {
  if (hierarchy.own !== null) return hierarchy.own;
  const name = hierarchy.version === 2 ? 'v2' : hierarchy.controllers;
  return fail({
    code: 'cgroup',
    message: `the caller's own cgroup (${name}) lies outside of what is mounted on ${hierarchy.mountPoint}`,
    pointer: POINTER,
    hint: 'give an absolute cgroupsPath',
  });
}
