// Limits of the cgroup that contradict themselves or can't be files of one.

import { pointer } from '../../json-pointer.ts';
import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

const RESOURCES = '/linux/resources';

export const resourceRules: readonly Rule[] = [
  {
    name: 'cpu-burst',
    reads: [`${RESOURCES}/cpu`],
    spec: specLink('config-linux.md#cpu'),
    linux: true,
    check: ({ linux }, report) => {
      const { quota = 0, burst = 0 } = linux?.resources?.cpu ?? {};
      if (quota > 0 && burst > quota)
        report({ pointer: `${RESOURCES}/cpu/burst`, message: `the burst ${burst} is above the quota ${quota}` });
    },
  },
  {
    name: 'memory-and-swap',
    reads: [`${RESOURCES}/memory`],
    spec: specLink('config-linux.md#memory'),
    linux: true,
    check: ({ linux }, report) => {
      const { limit = 0, swap = 0 } = linux?.resources?.memory ?? {};
      if (limit > 0 && swap > 0 && swap < limit)
        report({
          pointer: `${RESOURCES}/memory/swap`,
          message: `the limit of memory and swap together, ${swap}, is below that of memory, ${limit}`,
        });
    },
  },
  {
    name: 'disk-weights',
    reads: [`${RESOURCES}/blockIO/weightDevice`],
    spec: specLink('config-linux.md#block-io'),
    linux: true,
    check: ({ linux }, report) => {
      linux?.resources?.blockIO?.weightDevice?.forEach(({ weight, leafWeight }, index) => {
        if (weight === undefined && leafWeight === undefined)
          report({
            pointer: pointer('linux', 'resources', 'blockIO', 'weightDevice', index),
            message: 'it has neither "weight" nor "leafWeight"',
          });
      });
    },
  },
  {
    name: 'rdma',
    reads: [`${RESOURCES}/rdma`],
    spec: specLink('config-linux.md#rdma'),
    linux: true,
    check: ({ linux }, report) => {
      for (const [device, { hcaHandles, hcaObjects }] of Object.entries(linux?.resources?.rdma ?? {}))
        if (hcaHandles === undefined && hcaObjects === undefined)
          report({
            pointer: pointer('linux', 'resources', 'rdma', device),
            message: 'it has neither "hcaHandles" nor "hcaObjects"',
          });
    },
  },
  {
    name: 'unified-files',
    reads: [`${RESOURCES}/unified`],
    spec: specLink('config-linux.md#unified'),
    linux: true,
    check: ({ linux }, report) => {
      // A file of the container's own cgroup: nothing that leads out of it.
      for (const file of Object.keys(linux?.resources?.unified ?? {}))
        if (file === '' || file === '.' || file === '..' || file.includes('/'))
          report({
            pointer: pointer('linux', 'resources', 'unified', file),
            message: `${show(file)} is not the name of a file of a cgroup`,
          });
    },
  },
];
