// linux.resources as files of cgroups, for v1 and v2. Pure: the config to an ordered list of writes; which controllers there are is an input.
// Devices are not among them: they have rules instead of values (../device-rules.ts).

import { fail } from '../../error.ts';
import type { LinuxResources } from '../../spec/generated/types.ts';
import { blockIoWrites } from './block-io.ts';
import { cpuWrites } from './cpu.ts';
import { memoryWrites } from './memory.ts';
import { hugepageWrites, networkWrites, pidsWrites, rdmaWrites, unifiedWrites } from './others.ts';
import { type ResourceWrite, resourcePointer, type WriteContext, type Writer } from './write.ts';

export type { ResourceWrite, WriteContext } from './write.ts';

/**
 * The writes that carry out the limits, in an order that a new cgroup takes. Throws `config`, `unsupported` for what can't be meant or done on this
 * kind of host, `cgroup` for a controller that it does not have.
 */
export function resourceWrites(resources: LinuxResources, context: WriteContext): readonly ResourceWrite[] {
  const writes: ResourceWrite[] = [];
  const writer: Writer = {
    ...context,
    resources,
    add: (write) => writes.push(write),
    require: (controller, field) => context.versionOf(controller) ?? missing(controller, field),
    // A double that is an integer has an exact BigInt, which is never printed with an exponent.
    integer: (value, field) => String(context.exactInteger?.(field) ?? BigInt(value)),
  };
  pidsWrites(writer);
  memoryWrites(writer);
  blockIoWrites(writer);
  cpuWrites(writer);
  hugepageWrites(writer);
  networkWrites(writer);
  rdmaWrites(writer);
  unifiedWrites(writer);
  return writes;
}

function missing(controller: string, field: string): never {
  const name = controller === 'blkio' ? 'blkio or io' : controller;
  return fail({
    code: 'cgroup',
    message: `cannot set ${controller} limit: this host has no control group controller ${name} that could be used`,
    pointer: field,
    hint: 'mount its v1 hierarchy below /sys/fs/cgroup, or leave the limit out',
  });
}

/** Warnings for what is accepted and has no effect, as in runc. */
export function ignoredResources(resources: LinuxResources): readonly { message: string; pointer: string }[] {
  if ((resources.memory?.kernel ?? 0) === 0) return [];
  return [
    {
      message: 'the limit of kernel memory is ignored: Linux has none any more, the limit of memory counts both',
      pointer: resourcePointer('memory', 'kernel'),
    },
  ];
}
