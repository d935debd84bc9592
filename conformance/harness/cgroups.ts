// Where a process is in the host's control groups: directories, as the tests may write to them.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Pure cgroup v2. */
export const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');

export interface Membership {
  /** Empty for v2. */
  readonly controllers: readonly string[];
  readonly directory: string;
}

/** Its cgroup in each hierarchy that is mounted where distributions mount it. */
export function membershipsOf(pid: number): Membership[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, names = '', ...path] = line.split(':');
    const mount = names === '' ? (isV2 ? '' : '/unified') : `/${names.replace(/^name=/, '')}`;
    const directory = `/sys/fs/cgroup${mount}${path.join(':')}`;
    return existsSync(directory) ? [{ controllers: names === '' ? [] : names.split(','), directory }] : [];
  });
}

function directoryOf(pid: number, controller: string): string | undefined {
  const memberships = membershipsOf(pid);
  const found =
    memberships.find(({ controllers }) => controllers.includes(controller)) ??
    memberships.find(({ controllers }) => controllers.length === 0);
  return found?.directory;
}

/** The file of the process's cgroup to which a memory limit (bytes) is written; undefined without the memory controller. */
export function memoryLimitFile(pid: number): string | undefined {
  const directory = directoryOf(pid, 'memory');
  return [`${directory}/memory.limit_in_bytes`, `${directory}/memory.max`].find((file) => existsSync(file));
}

/** The file that freezes a cgroup, with what is written to freeze it; of the cgroup itself or of `below` it. */
export function freezeFile(pid: number, below = ''): { readonly file: string; readonly frozen: string } {
  const directory = `${directoryOf(pid, 'freezer')}${below}`;
  const v1 = existsSync(`${directory}/freezer.state`);
  return v1
    ? { file: `${directory}/freezer.state`, frozen: 'FROZEN' }
    : { file: `${directory}/cgroup.freeze`, frozen: '1' };
}

/**
 * Makes a cgroup of this name below each of the process's cgroups, with the processors and memory nodes that a v1 cpuset needs to take
 * processes, and returns their directories.
 */
export function makeCgroupsBelow(pid: number, name: string): string[] {
  return membershipsOf(pid).map(({ controllers, directory }) => {
    const below = `${directory}/${name}`;
    mkdirSync(below);
    if (controllers.includes('cpuset'))
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        writeFileSync(`${below}/${file}`, readFileSync(`${directory}/${file}`, 'utf8'));
    return below;
  });
}
