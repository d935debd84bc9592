// The smallest memory limit under which a container starts and its program succeeds. The limit is set in a control group that exists
// before (linux.cgroupsPath leads the runtime there): so it is the same for all, whatever they make of linux.resources.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBundle } from '../bundle.mjs';
import { RuntimeFailure } from '../runtime.mjs';

const PAGE = 4;
const LARGEST = 256 * 1024;
/** The kernel charges in batches, so one success may be luck. */
const ATTEMPTS = 3;

/** Where memory is limited on this host: the directory of the hierarchy's root and the names of its files. Throws RuntimeFailure where it can't be. */
function memoryHierarchy() {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => {
      const [left, right] = line.split(' - ');
      const [type, , superOptions] = right.split(' ');
      return { path: left.split(' ')[4], type, options: superOptions.split(',') };
    });
  const v1 = mounts.find(({ type, options }) => type === 'cgroup' && options.includes('memory'));
  if (v1 !== undefined)
    return { path: v1.path, files: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'], swap: (limit) => limit };
  const v2 = mounts.find(({ type }) => type === 'cgroup2');
  if (v2 === undefined) throw new RuntimeFailure('n/a: no cgroup file system is mounted');
  if (!readFileSync(join(v2.path, 'cgroup.subtree_control'), 'utf8').split(/\s/).includes('memory'))
    throw new RuntimeFailure(`n/a: the memory controller is not enabled in ${v2.path}/cgroup.subtree_control`);
  return { path: v2.path, files: ['memory.max', 'memory.swap.max'], swap: () => 0 };
}

function removeGroup(path) {
  if (!existsSync(path)) return; // the runtime removes it when the container is deleted
  rmdirSync(path);
}

/** Whether a container runs in a control group with this limit (in KiB). The reason where it does not. */
function attempt(runtime, hierarchy, bundle, name, limit) {
  const group = join(hierarchy.path, name);
  mkdirSync(group);
  const id = runtime.newId();
  try {
    writeFileSync(join(group, hierarchy.files[0]), `${limit * 1024}`);
    const swap = join(group, hierarchy.files[1]);
    if (existsSync(swap)) writeFileSync(swap, `${hierarchy.swap(limit * 1024)}`);
    runtime.time(['run', '--bundle', bundle, id], { id, timeout: 5_000 });
    runtime.forget(id);
    return undefined;
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    return error;
  } finally {
    runtime.cleanUp();
    removeGroup(group);
  }
}

export const row = {
  name: 'limit',
  title: 'the smallest memory limit under which the container starts',
  unit: 'KiB',
  measures: ['limit'],
  warmups: 0,
  runs: 1,
  measure(runtime, { scratch, quick }) {
    const hierarchy = memoryHierarchy();
    const name = `runt-bench-${process.pid}-${runtime.name}`;
    const bundle = makeBundle(join(scratch, `limit-${runtime.name}`), `/${name}`);
    const starts = (limit) => {
      for (let i = 0; i < (quick ? 1 : ATTEMPTS); i++)
        if (attempt(runtime, hierarchy, bundle, name, limit) !== undefined) return false;
      return true;
    };
    // With as good as no limit it must work, or it is not the memory that is missing.
    const other = attempt(runtime, hierarchy, bundle, name, LARGEST);
    if (other !== undefined) throw other;
    let works = PAGE;
    while (!starts(works)) works *= 2;
    let fails = works / 2;
    if (works === PAGE) return { limit: PAGE };
    // To one page for a small limit, to a sixteenth for a large one.
    while (works - fails > Math.max(PAGE, works / 16)) {
      const middle = Math.round((works + fails) / 2 / PAGE) * PAGE;
      if (starts(middle)) works = middle;
      else fails = middle;
    }
    return { limit: works };
  },
};
