// Carries out the writes of linux.resources in a container's cgroups, and takes them back.

import { existsSync } from 'node:fs';
import { fail, RuntError } from '../../error.ts';
import { ERRNO } from '../../linux/errno.ts';
import { readControl, writeControl } from '../control-file.ts';
import { controllersIn } from '../controllers.ts';
import type { CgroupEntry } from '../record.ts';
import type { ResourceWrite } from './write.ts';

/** What a file said before. */
export interface Restoration {
  readonly file: string;
  readonly value: string;
}

export interface Application {
  readonly entries: readonly CgroupEntry[];
  /** Why v2 controllers could not be had, by name: the hint where a file of theirs is missing. */
  readonly refusals?: ReadonlyMap<string, string>;
  /** Takes what undoes each write, in the order of the writes. A new cgroup needs none: it is removed. */
  readonly restorations?: Restoration[];
}

/** Throws `cgroup` with the field, the file, the value and what the kernel said. What was written before stays: see `restore`. */
export function applyWrites(writes: readonly ResourceWrite[], application: Application): void {
  for (let from = 0; from < writes.length; ) {
    const group = writes[from]?.group;
    let to = from + 1;
    if (group !== undefined) while (writes[to]?.group === group) to++;
    applyGroup(writes.slice(from, to), application);
    from = to;
  }
}

function applyGroup(writes: readonly ResourceWrite[], application: Application): void {
  const again: ResourceWrite[] = [];
  for (const write of writes) {
    try {
      applyOne(write, application);
    } catch (error) {
      const errno = error instanceof RuntError ? error.problem.errno : undefined;
      if (writes.length === 1 || (errno !== ERRNO.EINVAL && errno !== ERRNO.EBUSY)) throw error;
      again.push(write);
    }
  }
  for (const write of again) applyOne(write, application);
}

function applyOne(write: ResourceWrite, application: Application): void {
  const directory = directoryOf(write, application.entries);
  const { file, value } = existingFile(write, directory);
  const path = `${directory}/${file}`;
  if (!existsSync(path)) {
    if (write.mayBeMissing === true) return;
    refuseMissing(write, directory, application.refusals);
  }
  const before = application.restorations === undefined ? undefined : readableValue(path);
  writeControl(path, value, write.pointer, hintFor(write, directory, file));
  if (before !== undefined) application.restorations?.push({ file: path, value: valueBefore(write, file, before) });
  if (write.verify === true) verify(path, value, write);
}

function existingFile(write: ResourceWrite, directory: string): { readonly file: string; readonly value: string } {
  if (write.otherwise === undefined || existsSync(`${directory}/${write.file}`)) return write;
  return existsSync(`${directory}/${write.otherwise.file}`) ? write.otherwise : write;
}

/** The container's directory in the hierarchy that has the controller. */
export function directoryOf({ version, controller, pointer }: ResourceWrite, entries: readonly CgroupEntry[]): string {
  const entry = entries.find(
    (candidate) =>
      candidate.version === version && (version === 2 || candidate.controllers.split(',').includes(controller)),
  );
  if (entry !== undefined) return entry.path;
  return fail({
    code: 'cgroup',
    message: `cannot set ${controller} limit: the container has no cgroup in a hierarchy with that controller`,
    pointer,
  });
}

function refuseMissing(write: ResourceWrite, directory: string, refusals: Application['refusals']): never {
  const { controller, version, file, pointer } = write;
  const available = version === 1 || controller === 'cgroup' || controllersIn(directory).includes(controller);
  const isUnified = pointer.startsWith('/linux/resources/unified/');
  const what = isUnified ? `unified resource "${file}" can't be set` : `cannot set ${controller} limit`;
  const refusal = refusals?.get(controller);
  return fail({
    code: 'cgroup',
    message: available
      ? `${what}: there is no file ${directory}/${file}${write.otherwise === undefined ? '' : `, nor ${write.otherwise.file}`}`
      : `${what}: controller "${controller}" not available in ${directory}`,
    pointer,
    ...(available
      ? { hint: 'this kernel does not have it' }
      : refusal === undefined
        ? { hint: 'it is not enabled in cgroup.subtree_control of the cgroups above' }
        : { hint: refusal }),
  });
}

function hintFor({ pointer, group }: ResourceWrite, directory: string, file: string): string | undefined {
  if (file === 'memory.limit_in_bytes' || file === 'memory.memsw.limit_in_bytes') {
    const usage = readableValue(`${directory}/memory.usage_in_bytes`)?.trim();
    const peak = readableValue(`${directory}/memory.max_usage_in_bytes`)?.trim();
    return `memory is in use that could not be reclaimed, or the limit of memory is above that of memory and swap (current usage: ${usage}, peak usage: ${peak})`;
  }
  if (group === 'weight') return 'a cgroup takes no shares while cpu.idle is 1';
  if (group === 'bandwidth')
    return 'the period is 1000 to 1000000, the quota at least 1000, the burst at most the quota; none may exceed the cgroup above';
  if (group === 'realtime') return 'the cgroups above must have that much real-time bandwidth to give';
  if (/\/(weightDevice|throttle\w+)\//.test(pointer))
    return 'is there a block device (not a partition) of this number?';
  if (pointer.endsWith('/cpus') || pointer.endsWith('/mems')) return 'the cgroup above must have them';
  return undefined;
}

/** runc's words, for those who look for them. */
function verify(path: string, value: string, { pointer }: ResourceWrite): void {
  const actual = readControl(path, pointer).trim();
  if (actual === value) return;
  const bound = BigInt(value) > BigInt(actual) ? 'maximum' : 'minimum';
  fail({ code: 'cgroup', message: `the ${bound} allowed cpu-shares is ${actual}, not ${value} (${path})`, pointer });
}

function readableValue(path: string): string | undefined {
  try {
    return readControl(path);
  } catch {
    // A file that can only be written, such as memory.reclaim, has nothing to go back to.
    return undefined;
  }
}

function valueBefore(write: ResourceWrite, file: string, before: string): string {
  const lines = before.trim().split('\n');
  if (write.unset !== undefined) {
    const key = write.value.split(' ')[0] ?? '';
    return lines.find((line) => line.startsWith(`${key} `)) ?? `${key} ${write.unset}`;
  }
  const [first = ''] = lines;
  return file === 'memory.oom_control' ? (first.split(' ')[1] ?? '0') : first;
}

/**
 * Puts back what was there, the last first. Those that depend on one another get a second round, as when they were written. Returns what the
 * kernel did not take.
 */
export function restore(restorations: readonly Restoration[]): readonly RuntError[] {
  let left = restorations.toReversed();
  let failures: RuntError[] = [];
  for (let round = 0; round < 2 && left.length > 0; round++) {
    failures = [];
    left = left.filter(({ file, value }) => {
      try {
        writeControl(file, value);
        return false;
      } catch (error) {
        if (!(error instanceof RuntError)) throw error;
        failures.push(error);
        return true;
      }
    });
  }
  return failures;
}
