// Device nodes of the container, and the rules of access to devices.

import { pointer } from '../../json-pointer.ts';
import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

/** The file type bits (S_IFMT) and the twelve bits of mode that mknod(2) takes. */
const FILE_TYPE = 0o170000;
const MODE = 0o7777;

export const deviceRules: readonly Rule[] = [
  {
    name: 'devices',
    reads: ['/linux/devices'],
    spec: specLink('config-linux.md#devices'),
    linux: true,
    check: ({ linux }, report) => {
      const nodes = new Map<string, number>();
      linux?.devices?.forEach(({ type, path, major, minor, fileMode = 0 }, index) => {
        const at = pointer('linux', 'devices', index);
        if (!path.startsWith('/'))
          report({ pointer: `${at}/path`, message: `the path is absolute in the container; found ${show(path)}` });
        if (type !== 'p') {
          if (major === undefined) report({ pointer: at, message: `a device of type "${type}" needs a major number` });
          if (minor === undefined) report({ pointer: at, message: `a device of type "${type}" needs a minor number` });
        }
        if ((fileMode & ~(FILE_TYPE | MODE)) !== 0 || fileMode > 0o177777)
          report({
            pointer: `${at}/fileMode`,
            message: `${fileMode} is not a file mode`,
            hint: 'it is a decimal number: 0666 is 438',
          });
        const earlier = nodes.get(path);
        if (earlier !== undefined)
          report({ pointer: `${at}/path`, message: `${show(path)} is made twice, see /linux/devices/${earlier}` });
        nodes.set(path, index);
      });
    },
  },
  {
    name: 'device-rules',
    reads: ['/linux/resources/devices'],
    spec: specLink('config-linux.md#allowed-device-list'),
    linux: true,
    check: ({ linux }, report) => {
      linux?.resources?.devices?.forEach(({ type = '', access = '' }, index) => {
        const at = pointer('linux', 'resources', 'devices', index);
        if (!/^[abc]?$/.test(type))
          report({ pointer: `${at}/type`, message: `the type is "a", "b" or "c"; found ${show(type)}` });
        if (!/^[rwm]*$/.test(access))
          report({
            pointer: `${at}/access`,
            // runc looks at these three only, and its own tests have "rwa".
            severity: /[rwm]/.test(access) ? 'warning' : 'error',
            message: `access is made of the letters r, w and m; found ${show(access)}`,
          });
      });
    },
  },
];
