// Paths and labels that the kernel can't take, and nothing should be computed of: a destination of megabytes would be millions of
// components to make.

import { pointer } from '../../json-pointer.ts';
import { LONGEST_OPTION, parseMountOptions } from '../../linux/mount-options.ts';
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
    name: 'mount-option-lengths',
    reads: ['/mounts'],
    spec: specLink('config.md#mounts'),
    linux: true,
    check: ({ mounts = [] }, report) => {
      mounts.forEach(({ type, options = [] }, index) => {
        if (type === 'bind' || !options.some((option) => option.length * 3 > LONGEST_OPTION)) return;
        const { bind, superblock } = parseMountOptions(options);
        const text = superblock.join(',');
        const isLong = superblock.some((option) => Buffer.byteLength(option) > LONGEST_OPTION);
        if (bind !== undefined || !isLong || Buffer.byteLength(text) <= LONGEST_TEXT) return;
        report({
          pointer: pointer('mounts', index, 'options'),
          message: `the options of the file system are longer than the ${LONGEST_TEXT} bytes that the kernel takes`,
        });
      });
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
/** mount(2) takes a page, with a NUL at its end. */
const LONGEST_TEXT = 4095;
