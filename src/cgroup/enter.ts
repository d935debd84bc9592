// How a process that exec adds enters the control groups of a container that is there, or ones below them (--cgroup).

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import type { CgroupHandle, CgroupHandles } from './create.ts';
import { attempt } from './failure.ts';
import type { CgroupEntry, CgroupRecord } from './record.ts';

/** open(2) of asm-generic/fcntl.h. Missing in node:fs. */
const O_PATH = 0o10000000;

export interface EnteredCgroups extends Pick<CgroupHandles, 'tasks' | 'unified'> {
  /**
   * Where v2 has all controllers: the cgroup that init is in, if that is one below the container's. A cgroup that gives controllers to
   * those below it takes no processes (cgroup-v2.rst, "No Internal Process Constraint"): init, a service manager say, has moved away.
   */
  readonly initsOwn: CgroupHandle | null;
}

/**
 * Opens what the launcher enters by. `where` is what --cgroup was given, each `[CONTROLLER[,CONTROLLER…]:]PATH`, below the container's
 * own; `init` the container's first process. Throws `usage`, `cgroup`.
 */
export function openCgroups(record: CgroupRecord, where: readonly string[], init: number): EnteredCgroups {
  const below = where.length === 0 ? undefined : subCgroups(record, where);
  const tasks: CgroupHandle[] = [];
  let unified: CgroupHandle | null = null;
  let initsOwn: CgroupHandle | null = null;
  try {
    for (const entry of record.cgroups) {
      const path = entry.path + (below?.get(entry) ?? '');
      if (entry.version === 2) unified = open(entry, path, path, O_PATH | constants.O_DIRECTORY);
      else tasks.push(open(entry, path, `${path}/tasks`, constants.O_WRONLY));
    }
    const [only] = record.cgroups;
    if (below === undefined && tasks.length === 0 && only !== undefined) {
      const path = initsPath(only, init);
      if (path !== undefined) initsOwn = open(only, path, path, O_PATH | constants.O_DIRECTORY);
    }
  } catch (error) {
    for (const { fd } of tasks) closeSync(fd);
    if (unified !== null) closeSync(unified.fd);
    throw error;
  }
  return { tasks, unified, initsOwn };
}

function open({ controllers }: CgroupEntry, path: string, file: string, flags: number): CgroupHandle {
  return {
    controllers,
    path,
    fd: attempt(`adding pid to the container's cgroup ${file}`, () => openSync(file, flags)),
  };
}

/** By entry: the path below the container's cgroup, empty or `/a/b`. */
function subCgroups({ cgroups }: CgroupRecord, where: readonly string[]): Map<CgroupEntry, string> {
  const chosen = new Map<CgroupEntry, string>();
  for (const argument of where) {
    const parts = argument.split(':');
    if (parts.length > 2) refuse(`invalid --cgroup argument: ${argument}`);
    const path = subPath(parts.at(-1) ?? '');
    if (parts.length === 1) {
      if (where.length > 1) refuse(`invalid --cgroup argument: ${argument} (missing <controller>: prefix)`);
      for (const entry of cgroups) chosen.set(entry, path);
      continue;
    }
    for (const name of (parts[0] ?? '').split(',')) {
      const entry = cgroups.find(({ controllers }) => name !== '' && controllers.split(',').includes(name));
      if (entry === undefined)
        return refuse(
          `unknown controller ${JSON.stringify(name)} in --cgroup ${argument}`,
          `there are ${cgroups.map(({ controllers }) => controllers || '(v2: a path without a controller)').join(', ')}`,
        );
      if (chosen.has(entry) && chosen.get(entry) !== path)
        refuse(`invalid --cgroup argument: the hierarchy ${entry.controllers} is given two paths`);
      chosen.set(entry, path);
    }
  }
  return chosen;
}

/** By components, since `/ctr10` begins like `/ctr1` (runc #5351); nothing that leads up or elsewhere. cgroupfs has no links. */
function subPath(text: string): string {
  const components = text.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..') || /[\0\n]/.test(text))
    refuse(`bad sub cgroup path: ${JSON.stringify(text)}`, 'it must lie below the cgroup of the container');
  return components.map((component) => `/${component}`).join('');
}

function refuse(message: string, hint?: string): never {
  return fail({ code: 'usage', message, ...(hint === undefined ? {} : { hint }) });
}

/** undefined: init is in the container's cgroup itself, or nowhere below it. */
function initsPath({ path }: CgroupEntry, init: number): string | undefined {
  const text = attempt('read the cgroup of init', () => readFileSync(`/proc/${init}/cgroup`, 'utf8'));
  const own = /^0::(\/.*)$/m.exec(text)?.[1];
  if (own === undefined || own.includes('/..')) return undefined;
  // The two paths overlap: one begins at the mount point, the other in this process's cgroup namespace.
  for (let end = own.length; end > 0; end = own.lastIndexOf('/', end - 1)) {
    if (path.endsWith(own.slice(0, end))) return end === own.length ? undefined : path + own.slice(end);
  }
  return undefined;
}
