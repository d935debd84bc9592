// Paths and labels that the kernel can't take, and nothing should be computed of: a destination of megabytes would be millions of
// components to make.

import { pointer } from '../../json-pointer.ts';
import { specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

/** PATH_MAX of <linux/limits.h>, without the NUL at the end. */
const LONGEST = 4095;

function isTooLong(path: string | undefined): boolean {
  // A character has three bytes at most of those that a unit of UTF-16 stands for: the bytes are counted only where it matters.
  return path !== undefined && path.length * 3 > LONGEST && Buffer.byteLength(path) > LONGEST;
}

export const lengthRules: readonly Rule[] = [
  {
    name: 'path-lengths',
    reads: ['/root/path', '/process/cwd', '/mounts', '/linux/devices', '/linux/maskedPaths', '/linux/readonlyPaths'],
    spec: specLink('config.md'),
    linux: true,
    check: ({ root, process, mounts = [], linux = {} }, report) => {
      const look = (path: string | undefined, at: string): void => {
        if (isTooLong(path))
          report({ pointer: at, message: `the path is longer than the ${LONGEST} bytes that the kernel takes` });
      };
      look(root?.path, '/root/path');
      look(process?.cwd, '/process/cwd');
      mounts.forEach(({ destination }, index) => void look(destination, pointer('mounts', index, 'destination')));
      linux.devices?.forEach(({ path }, index) => void look(path, pointer('linux', 'devices', index, 'path')));
      for (const name of ['maskedPaths', 'readonlyPaths'] as const)
        linux[name]?.forEach((path, index) => void look(path, pointer('linux', name, index)));
    },
  },
  {
    name: 'label-lengths',
    reads: ['/process/apparmorProfile', '/process/selinuxLabel', '/linux/mountLabel'],
    spec: specLink('config.md#linux-process'),
    linux: true,
    check: ({ process, linux }, report) => {
      const look = (label: string | undefined, longest: number, at: string): void => {
        if (label !== undefined && label.length > longest / 4 && Buffer.byteLength(label) > longest)
          report({ pointer: at, message: `the label is longer than the ${longest} bytes that the kernel takes` });
      };
      look(process?.apparmorProfile, LONGEST_LABEL, '/process/apparmorProfile');
      look(process?.selinuxLabel, LONGEST_LABEL, '/process/selinuxLabel');
      look(linux?.mountLabel, LONGEST_OPTION, '/linux/mountLabel');
    },
  },
];

/** A file of attributes takes a page (proc_pid_attr_write in fs/proc/base.c), AppArmor's with a word before the name. */
const LONGEST_LABEL = 4090;
/** The value of an option for fsconfig(2). */
const LONGEST_OPTION = 255;
