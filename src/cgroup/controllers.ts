// The controllers of cgroup v2: which there are, and handing them down to a container's cgroup (cgroups(7)).

import { fail, RuntError } from '../error.ts';
import { ERRNO, errnoName } from '../linux/errno.ts';
import { readControl, writeControl } from './control-file.ts';
import type { CgroupHost } from './host.ts';
import { type CgroupEntry, type CgroupRecord, parentOf } from './record.ts';

/** The controllers that a v2 cgroup has. Throws `cgroup`. */
export function controllersIn(directory: string): readonly string[] {
  const text = readControl(`${directory}/cgroup.controllers`).trim();
  return text === '' ? [] : text.split(' ');
}

/**
 * On a host with v2 alone, enables every controller in all cgroups above the container's, as runc does: its use is counted then, and its limits
 * can be changed later. What can't be enabled is missed only where a limit asks for it: returned is why, by controller.
 * A hybrid host's v2 hierarchy is left alone: crun refuses to work where it has controllers.
 */
export function handDownControllers(host: CgroupHost, { cgroups }: CgroupRecord): ReadonlyMap<string, string> {
  const refusals = new Map<string, string>();
  const entry = cgroups.find(({ version }) => version === 2);
  const mountPoint = host.hierarchies.find(({ version }) => version === 2)?.mountPoint;
  if (host.mode !== 'v2' || entry === undefined || mountPoint === undefined) return refusals;
  const wanted = controllersIn(mountPoint);
  const present = controllersIn(entry.path);
  // Mostly the whole tree has them already: two short files are read then, and none is written.
  if (wanted.every((name) => present.includes(name))) return refusals;
  for (const directory of directoriesAbove(entry.path, mountPoint)) enableIn(directory, wanted, refusals);
  return refusals;
}

function enableIn(directory: string, wanted: readonly string[], refusals: Map<string, string>): void {
  const file = `${directory}/cgroup.subtree_control`;
  const enabled = readControl(file).trim().split(' ');
  // One by one: a value with one that is refused is refused as a whole.
  for (const name of wanted) {
    if (enabled.includes(name) || refusals.has(name)) continue;
    try {
      writeControl(file, `+${name}`);
    } catch (error) {
      if (!(error instanceof RuntError)) throw error;
      const { errno } = error.problem;
      const why = errno === undefined ? '' : `: ${errnoName(errno)}`;
      const busy = errno === ERRNO.EBUSY ? ' (a cgroup with processes in it can not hand down this controller)' : '';
      refusals.set(name, `it could not be enabled in ${file}${why}${busy}`);
    }
  }
}

/** From the mount point down to the parent of the cgroup. */
function directoriesAbove(path: string, mountPoint: string): readonly string[] {
  const directories: string[] = [];
  for (let at = path; at.length > mountPoint.length; ) {
    at = parentOf(at);
    directories.unshift(at);
  }
  return directories;
}

/**
 * A v2 cgroup below a threaded one, or one with processes, may be no "domain": processes can't enter it, or domain controllers don't
 * work in it. Without such controllers it becomes threaded, as by runc; with them (`domainPointer` is the field) that is an error.
 */
export function checkDomain({ cgroups }: CgroupRecord, domainPointer: string | undefined): void {
  const entry = cgroups.find(({ version }) => version === 2);
  if (entry === undefined) return;
  const file = `${entry.path}/cgroup.type`;
  const type = readControl(file).trim();
  if (type === 'domain') return;
  if (domainPointer !== undefined)
    fail({
      code: 'cgroup',
      message:
        `cannot enter cgroupv2 "${entry.path}" with domain controllers -- ` +
        (type === 'domain invalid' ? 'it is in an invalid state' : `it is in ${type} mode`),
      pointer: domainPointer,
      hint: 'a cgroup above it is threaded, or there are processes in it; choose another linux.cgroupsPath',
    });
  if (type === 'domain invalid') writeControl(file, 'threaded', '/linux/cgroupsPath');
}

/**
 * Whose a controller is among the container's cgroups: where there are v1 hierarchies, a hybrid host's v2 has none. `available`: the controllers
 * of v2, where `blkio` is called `io`.
 */
export function versionFinder(
  entries: readonly Pick<CgroupEntry, 'version' | 'controllers'>[],
  available: () => readonly string[],
): { readonly isUnified: boolean; readonly versionOf: (controller: string) => 1 | 2 | undefined } {
  const v1 = entries.flatMap(({ version, controllers }) => (version === 1 ? controllers.split(',') : []));
  let names: readonly string[] | undefined;
  return {
    isUnified: v1.length === 0,
    versionOf: (controller) => {
      if (v1.length > 0) return v1.includes(controller) ? 1 : undefined;
      names ??= available();
      return names.includes(controller === 'blkio' ? 'io' : controller) ? 2 : undefined;
    },
  };
}
