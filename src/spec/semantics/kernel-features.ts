// resctrl, the NUMA memory policy and the personality.

import { pointer } from '../../json-pointer.ts';
import { MOST_NODES } from '../../linux/memory-policy.ts';
import { parseNumberList } from '../../linux/number-list.ts';
import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

/** What lies beside the classes, besides the directory itself and the one above. */
const NO_CLASSES = ['.', '..', 'info', 'mon_groups', 'mon_data'];

export const kernelFeatureRules: readonly Rule[] = [
  {
    name: 'intel-rdt',
    reads: ['/linux/intelRdt'],
    spec: specLink('config-linux.md#intelrdt'),
    linux: true,
    check: ({ linux }, report) => {
      const { closID = '', l3CacheSchema = '', schemata = [] } = linux?.intelRdt ?? {};
      const at = '/linux/intelRdt';
      // It becomes the name of a directory below resctrl.
      if (NO_CLASSES.includes(closID) || (closID !== '/' && /[/\n]/.test(closID)))
        report({ pointer: `${at}/closID`, message: `${show(closID)} can't be the name of a class` });
      if (l3CacheSchema.includes('\n')) report({ pointer: `${at}/l3CacheSchema`, message: 'it is one line' });
      schemata.forEach((line, index) => {
        if (line.includes('\n'))
          report({ pointer: pointer('linux', 'intelRdt', 'schemata', index), message: 'it is one line' });
      });
    },
  },
  {
    name: 'memory-policy',
    reads: ['/linux/memoryPolicy'],
    spec: specLink('config-linux.md#memory-policy'),
    linux: true,
    check: ({ linux }, report) => {
      const policy = linux?.memoryPolicy;
      if (policy === undefined) return;
      const { mode, nodes = '', flags = [] } = policy;
      const at = '/linux/memoryPolicy';
      if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES'))
        report({ pointer: `${at}/flags`, message: 'nodes are either static or relative' });
      const numbers = nodes === '' ? [] : parseNumberList(nodes, MOST_NODES);
      if (numbers === undefined) {
        const hint = `numbers below ${MOST_NODES} and ranges, as in "0-3,7"`;
        report({ pointer: `${at}/nodes`, message: `invalid memory policy nodes ${show(nodes)}`, hint });
        return;
      }
      const found = numbers.length;
      if ((mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') && found > 0)
        report({ pointer: at, message: `${mode}: this memory policy mode requires 0 nodes but got ${found}` });
      else if (mode !== 'MPOL_DEFAULT' && mode !== 'MPOL_LOCAL' && mode !== 'MPOL_PREFERRED' && found === 0)
        report({ pointer: at, message: `${mode}: this memory policy mode requires at least one node but got 0` });
    },
  },
  {
    name: 'personality',
    reads: ['/linux/personality'],
    spec: specLink('config-linux.md#personality'),
    linux: true,
    check: ({ linux }, report) => {
      if ((linux?.personality?.flags?.length ?? 0) > 0)
        report({ pointer: '/linux/personality/flags', message: 'there are no flags yet that could be given' });
    },
  },
];
