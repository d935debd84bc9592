// linux.intelRdt: what create and exec do on the host. Loaded only where the config asks for it, or the container has a class.

import { fail } from '../error.ts';
import type { Descriptor } from '../init/inputs.ts';
import type { HostStep } from '../init/plan.ts';
import {
  type ClassRecord,
  describeClass,
  makeClass,
  openClass,
  type PlannedClass,
  planClass,
  settled,
} from '../resctrl/class.ts';
import type { IntelRdt } from '../spec/generated/types.ts';
import type { Descriptors } from './descriptors.ts';
import { resctrlMount } from './host-mounts.ts';

export interface ResourceClass {
  /** What is going to be made. */
  readonly record: ClassRecord;
  /** For the record of a container that is created. */
  settled(record: ClassRecord): ClassRecord;
  /** Makes it. `recorded`: when it is known what the container has of its own. Throws `system`. */
  make(descriptors: Descriptors, recorded: (record: ClassRecord) => void): readonly Descriptor[];
}

/** Throws `host`, `config`; changes nothing. */
export function planResourceClass(rdt: IntelRdt, id: string): ResourceClass {
  const root = resctrlMount();
  if (root === undefined)
    fail({
      code: 'host',
      message: 'intelRdt is specified in config, but Intel RDT is not enabled: no resctrl file system is mounted',
      pointer: '/linux/intelRdt',
      hint: 'mount -t resctrl resctrl /sys/fs/resctrl, where kernel and processor have it',
    });
  const planned = planClass(rdt, id, root);
  return {
    record: planned.record,
    settled,
    make: (descriptors, recorded) => inherited(makeClass(planned, recorded), descriptors),
  };
}

/** The files by which a program that exec adds enters the class of its container. Throws `system`. */
export function resourceClassOf(record: ClassRecord, descriptors: Descriptors): readonly Descriptor[] {
  return inherited(openClass(record, true), descriptors);
}

function inherited(
  files: readonly { readonly path: string; readonly fd: number }[],
  descriptors: Descriptors,
): readonly Descriptor[] {
  return files.map(({ path, fd }) => descriptors.inherit(fd, path));
}

/** For `runt plan`, also on a host without resctrl. */
export function imaginedResourceClass(
  rdt: IntelRdt,
  id: string,
): { host: readonly HostStep[]; paths: readonly string[] } {
  const pointer = '/linux/intelRdt';
  const { record, isNew, writes }: PlannedClass = describeClass(rdt, id, resctrlMount() ?? '/sys/fs/resctrl');
  const { path, monitoring } = record;
  return {
    host: [
      ...(isNew ? [{ sentence: `make the resource class ${path}, where it is not there`, pointer }] : []),
      ...writes.map((write) => ({
        sentence: `write ${JSON.stringify(write.value)} to ${path}/schemata`,
        pointer: write.pointer,
      })),
      ...(monitoring === undefined
        ? []
        : [{ sentence: `make the monitoring group ${monitoring}`, pointer: `${pointer}/enableMonitoring` }]),
    ],
    paths: [path, ...(monitoring === undefined ? [] : [monitoring])],
  };
}
