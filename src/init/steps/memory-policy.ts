// From which NUMA nodes the program gets its memory: set_mempolicy(2). execve keeps it, and children inherit it.

import { fail } from '../../error.ts';
import { MEMORY_POLICY_FLAGS, MEMORY_POLICY_MODES, MOST_NODES } from '../../linux/memory-policy.ts';
import { bitMask, parseNumberList } from '../../linux/number-list.ts';
import type { ProcessContext } from './context.ts';

/** After the cpuset cgroup was entered, which decides over the nodes that there are; before a seccomp filter that may refuse it. */
export function setMemoryPolicy({ plan, config }: ProcessContext): void {
  const policy = config.linux?.memoryPolicy;
  if (policy === undefined) return;
  const { mode, nodes = '', flags = [] } = policy;
  const words = [mode, ...flags];
  const step = {
    sentence: `set the memory policy ${words.join('|')}${nodes === '' ? '' : ` for the nodes ${nodes}`}`,
    pointer: '/linux/memoryPolicy',
    hint: 'EINVAL: the host or the cpuset cgroup has none of these nodes, or the flags do not go with the mode (set_mempolicy(2))',
  };
  plan.step(step, () => {
    const value = flags.reduce<number>((bits, flag) => bits | MEMORY_POLICY_FLAGS[flag], MEMORY_POLICY_MODES[mode]);
    const mask = nodeMask(nodes);
    // The kernel takes one bit less than it is told (mm/mempolicy.c, get_nodes).
    const size = mask === undefined ? 0 : mask.length * 8 + 1;
    plan.call('set_mempolicy', [
      plan.value(value, words.join('|')),
      mask === undefined ? 0 : plan.constant(mask, `[${nodes}]`, 8),
      size,
    ]);
  });
}

function nodeMask(nodes: string): Uint8Array | undefined {
  if (nodes === '') return undefined;
  const numbers = parseNumberList(nodes, MOST_NODES);
  // A saved config was valid when the container was created: this is for plans that are made of others.
  if (numbers === undefined)
    fail({
      code: 'config',
      message: `invalid memory policy nodes ${JSON.stringify(nodes)}`,
      pointer: '/linux/memoryPolicy/nodes',
    });
  return bitMask(numbers);
}
