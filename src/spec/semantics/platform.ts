// The root file system and the sections for other platforms.

import { specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

const FOREIGN = ['solaris', 'windows', 'zos', 'freebsd', 'vm'] as const;

export const platformRules: readonly Rule[] = [
  {
    name: 'root-required',
    reads: ['/root'],
    spec: specLink('config.md#root'),
    linux: true,
    check: ({ root }, report) => {
      if (root === undefined)
        report({
          pointer: '',
          message: 'the property "root" is missing',
          hint: 'name the root file system: "root": {"path": "rootfs"}',
        });
      else if (root.path === '')
        report({
          pointer: '/root/path',
          message: 'the path of the root file system is empty',
          hint: 'the usual name is "rootfs"',
        });
    },
  },
  {
    name: 'foreign-platform',
    reads: FOREIGN.map((name) => `/${name}`),
    spec: specLink('config.md#platform-specific-configuration'),
    linux: true,
    check: (config, report) => {
      for (const name of FOREIGN)
        if (config[name] !== undefined)
          report({
            pointer: `/${name}`,
            severity: 'warning',
            message: `"${name}" means nothing on Linux and is ignored`,
          });
    },
  },
];
