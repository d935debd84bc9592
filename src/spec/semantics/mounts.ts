// Mounts.

import { pointer } from '../../json-pointer.ts';
import { parseMountOptions } from '../../linux/mount-options.ts';
import { show, specLink } from '../findings.ts';
import { checkRanges } from './id-mappings.ts';
import type { Rule } from './rule.ts';

const spec = specLink('config.md#mounts');

export const mountRules: readonly Rule[] = [
  {
    name: 'mount-destinations',
    reads: ['/mounts'],
    spec,
    linux: true,
    check: ({ mounts = [] }, report) => {
      mounts.forEach(({ destination }, index) => {
        const at = pointer('mounts', index, 'destination');
        if (destination === '') report({ pointer: at, message: 'the destination is empty' });
        else if (!destination.startsWith('/'))
          report({
            pointer: at,
            severity: 'warning',
            message: `a relative destination is deprecated; ${show(destination)} counts from "/"`,
          });
      });
    },
  },
  {
    name: 'mount-sources',
    reads: ['/mounts'],
    spec,
    linux: true,
    check: ({ mounts = [] }, report) => {
      mounts.forEach(({ type = '', source = '', options = [] }, index) => {
        const at = pointer('mounts', index);
        const { bind, superblock } = parseMountOptions(options);
        if (bind === undefined) {
          // Some engines leave the option out and say it with the type.
          if (type === '' && !options.includes('remount'))
            report({
              pointer: at,
              message: 'it has neither a type nor the option "bind" or "rbind"',
              hint: 'what is to be mounted?',
            });
          return;
        }
        if (source === '') report({ pointer: at, message: 'a bind mount needs a source' });
        const foreign = superblock.find((word) => !SUPERBLOCK_FLAGS.has(word));
        // The kernel takes no file system options for a bind mount. runc ignores them, and engines rely on it.
        if (foreign !== undefined)
          report({
            pointer: pointer('mounts', index, 'options', options.indexOf(foreign)),
            message: `${show(foreign)} is an option of a file system and is ignored for a bind mount`,
            severity: 'warning',
          });
      });
    },
  },
  {
    name: 'mount-copy-up',
    reads: ['/mounts'],
    spec: specLink('config.md#linux-mount-options'),
    linux: true,
    check: ({ mounts = [] }, report) => {
      mounts.forEach(({ type, options = [] }, index) => {
        const place = options.indexOf('tmpcopyup');
        if (place === -1 || type === 'tmpfs') return;
        report({
          pointer: pointer('mounts', index, 'options', place),
          message: '"tmpcopyup" fills a tmpfs with what the image has there: it is an option of no other mount',
        });
      });
    },
  },
  {
    name: 'mount-id-mappings',
    reads: ['/mounts', '/linux/namespaces'],
    spec: specLink('config.md#posix-platform-mounts'),
    linux: true,
    check: ({ mounts = [], linux }, report) => {
      const userNamespace = linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
      mounts.forEach(({ options = [], uidMappings, gidMappings }, index) => {
        const at = pointer('mounts', index);
        const asked = options.includes('idmap') || options.includes('ridmap');
        if (uidMappings === undefined && gidMappings === undefined) {
          if (asked && !userNamespace)
            report({
              pointer: at,
              message: `${BOTH}: there is no user namespace whose mappings could be taken`,
              hint: 'an id-mapped mount needs mappings of its own or a user namespace',
            });
          return;
        }
        if (!asked)
          report({
            pointer: at,
            severity: 'warning',
            message: 'id mappings are given without the option "idmap" or "ridmap"',
            hint: 'a runtime that does not know id-mapped mounts would ignore them',
          });
        for (const [list, mappings] of Object.entries({ uidMappings, gidMappings })) {
          if (mappings === undefined || mappings.length === 0) report({ pointer: at, message: `${BOTH}: no ${list}` });
          else checkRanges(`${at}/${list}`, mappings, report);
        }
      });
    },
  },
];

const BOTH = 'id-mapped mounts must have both uid and gid mappings specified';

/** Flags that are a file system's by nature but that the kernel or runt drops without harm where the mount is a bind mount. */
const SUPERBLOCK_FLAGS: ReadonlySet<string> = new Set([
  'sync',
  'dirsync',
  'lazytime',
  'mand',
  'iversion',
  'acl',
  'noacl',
]);
