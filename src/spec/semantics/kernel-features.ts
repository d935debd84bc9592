// resctrl, the NUMA memory policy and the personality.

import { pointer } from '../../json-pointer.ts';
import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

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
      if (closID === '.' || closID === '..' || (closID !== '/' && closID.includes('/')))
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
      if (policy === undefined || policy.mode === 'MPOL_PREFERRED') return;
      const forbidden = policy.mode === 'MPOL_DEFAULT' || policy.mode === 'MPOL_LOCAL';
      const given = (policy.nodes ?? '') !== '';
      if (given === !forbidden) return;
      report({
        pointer: '/linux/memoryPolicy',
        message: forbidden ? `${policy.mode} has no nodes` : `${policy.mode} needs at least one node`,
      });
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
