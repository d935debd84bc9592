// linux.resources.memory (config-linux.md, "Memory"). In runc and here 0 means "not set", −1 "no limit".

import { fail } from '../../error.ts';
import { refuseOnV2, resourcePointer, type Writer } from './write.ts';

const at = (name: string): string => resourcePointer('memory', name);

/** Throws `config` for what contradicts itself, `unsupported` for what v2 does not have. */
export function memoryWrites(writer: Writer): void {
  const { memory } = writer.resources;
  if (memory === undefined) return;
  const { limit = 0, reservation = 0, swap = 0, kernelTCP = 0, swappiness, disableOOMKiller, useHierarchy } = memory;
  // `kernel` is left out, with a warning (ignoredResources): the kernel itself ignores it since Linux 5.16.
  if (limit !== 0 || swap !== 0) writeLimits(writer, limit, swap);
  if (reservation !== 0) {
    const version = writer.require('memory', at('reservation'));
    const file = version === 1 ? 'memory.soft_limit_in_bytes' : 'memory.low';
    const value = version === 2 && reservation === -1 ? 'max' : writer.integer(reservation, at('reservation'));
    writer.add({ controller: 'memory', version, file, value, pointer: at('reservation') });
  }
  if (kernelTCP !== 0) {
    const value = writer.integer(kernelTCP, at('kernelTCP'));
    v1Write(writer, 'kernelTCP', 'memory.kmem.tcp.limit_in_bytes', value);
  }
  if (useHierarchy === false || (useHierarchy === true && writer.versionOf('memory') === 1))
    v1Write(writer, 'useHierarchy', 'memory.use_hierarchy', useHierarchy ? '1' : '0');
  if (disableOOMKiller === true) v1Write(writer, 'disableOOMKiller', 'memory.oom_control', '1');
  // A new cgroup has it on.
  else if (disableOOMKiller === false && writer.isUpdate === true && writer.versionOf('memory') === 1)
    v1Write(writer, 'disableOOMKiller', 'memory.oom_control', '0');
  if (swappiness !== undefined) {
    if (swappiness > 100)
      fail({
        code: 'config',
        message: `invalid memory swappiness value: ${swappiness} (valid range is 0-100)`,
        pointer: at('swappiness'),
      });
    v1Write(writer, 'swappiness', 'memory.swappiness', String(swappiness));
  }
}

function v1Write(writer: Writer, name: string, file: string, value: string): void {
  if (writer.require('memory', at(name)) === 2) refuseOnV2(`linux.resources.memory.${name}`, at(name));
  writer.add({ controller: 'memory', version: 1, file, value, pointer: at(name) });
}

/** Memory, and memory with swap. v1 has a limit for the sum, v2 one for swap alone. */
function writeLimits(writer: Writer, limit: number, swap: number): void {
  const version = writer.require('memory', limit === 0 ? at('swap') : at('limit'));
  const isUnlimited = limit === -1 && swap === 0;
  const swapPointer = isUnlimited ? at('limit') : at('swap');
  const common = { controller: 'memory', version, group: 'memory' } as const;
  if (version === 1) {
    if (limit !== 0)
      writer.add({
        ...common,
        file: 'memory.limit_in_bytes',
        value: writer.integer(limit, at('limit')),
        pointer: at('limit'),
      });
    if (swap !== 0 || isUnlimited)
      writer.add({
        ...common,
        file: 'memory.memsw.limit_in_bytes',
        value: isUnlimited ? '-1' : writer.integer(swap, at('swap')),
        pointer: swapPointer,
        ...(isUnlimited ? { mayBeMissing: true } : {}),
      });
    return;
  }
  const value = swapLimit(limit, swap);
  if (value !== undefined)
    writer.add({
      ...common,
      file: 'memory.swap.max',
      value,
      pointer: swapPointer,
      // Without swap in the kernel there is none to use, or any amount of nothing.
      ...(value === 'max' || value === '0' ? { mayBeMissing: true } : {}),
    });
  if (limit !== 0)
    writer.add({
      ...common,
      file: 'memory.max',
      value: limit === -1 ? 'max' : writer.integer(limit, at('limit')),
      pointer: at('limit'),
    });
}

/**
 * memory.swap.max of v2 from the limits of memory, and of memory with swap, of v1; undefined: it is left alone.
 * Throws `config` as runc does, where the difference means nothing.
 */
export function swapLimit(limit: number, swap: number): string | undefined {
  if (limit === -1 && swap === 0) return 'max';
  if (swap === 0) return undefined;
  if (swap === -1) return 'max';
  if (limit === -1) return String(swap);
  const refuse = (message: string): never => fail({ code: 'config', message, pointer: at('swap') });
  if (limit === 0) return refuse('unable to set swap limit without memory limit');
  if (limit < 0) return refuse(`invalid memory value: ${limit}`);
  if (swap < limit) return refuse('memory+swap limit should be >= memory limit');
  return String(BigInt(swap) - BigInt(limit));
}
