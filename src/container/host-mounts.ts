// The host's mounts, looked up only where a config needs it: cost grows with their number.

import { readFileSync } from 'node:fs';

interface MountInfo {
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
}

/** proc_pid_mountinfo(5): blanks in paths are written in octal. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const fields = before.split(' ');
      const decode = (path = ''): string =>
        path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
      return { root: decode(fields[3]), mountPoint: decode(fields[4]), type: after.split(' ')[0] ?? '' };
    });
}

let known: MountInfo[] | undefined;

/** Read once: the runtime itself mounts nothing where it is. */
function hostMounts(): MountInfo[] {
  known ??= parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  return known;
}

/** Where all of resctrl is mounted; undefined: nowhere. */
export function resctrlMount(): string | undefined {
  return hostMounts().find(({ root, type }) => type === 'resctrl' && root === '/')?.mountPoint;
}

/** The mount point that holds `path`, an absolute path without links. */
export function mountPointOf(path: string): string {
  return mountOf(path)?.mountPoint ?? '/';
}

/** The type of the file system that holds `path`, an absolute path without links; undefined: not known. */
export function fileSystemOf(path: string): string | undefined {
  return mountOf(path)?.type;
}

/** Of several mounts on one place the last one is in sight. */
function mountOf(path: string): MountInfo | undefined {
  let found: MountInfo | undefined;
  for (const mount of hostMounts()) {
    const { mountPoint } = mount;
    if (mountPoint !== '/' && path !== mountPoint && !path.startsWith(`${mountPoint}/`)) continue;
    if (found === undefined || mountPoint.length >= found.mountPoint.length) found = mount;
  }
  return found;
}

/**
 * Where the host has all of a procfs or sysfs, outside of the container's root. With --no-pivot they would stay in reach, and by them
 * a user namespace in the container could mount another, whole one (runc #1962).
 */
export function fullyVisibleMounts(rootPath: string): string[] {
  return hostMounts()
    .filter(
      ({ root, type, mountPoint }) =>
        root === '/' && (type === 'proc' || type === 'sysfs') && !mountPoint.startsWith(`${rootPath}/`),
    )
    .map(({ mountPoint }) => mountPoint);
}
