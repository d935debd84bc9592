// Namespaces, and what only makes sense in one of the container's own.

import { pointer } from '../../json-pointer.ts';
import { show, specLink } from '../findings.ts';
import type { Config, LinuxNamespaceType } from '../generated/types.ts';
import type { Rule } from './rule.ts';

const spec = specLink('config-linux.md#namespaces');
const NAMESPACES = '/linux/namespaces';
/** KTIME_SEC_MAX of the kernel: 292 years, which fill 63 bits of nanoseconds. */
const MOST_SECONDS = 9_223_372_036;
/** __NEW_UTS_LEN of <linux/utsname.h>. */
const LONGEST_NAME = 64;

/** True if the container has a namespace of this type that is not the runtime's: a new one, or one that it joins. */
export function hasNamespace({ linux }: Config, type: LinuxNamespaceType): boolean {
  return linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

function needsMountNamespace(
  config: Config,
  where: string,
): { readonly pointer: string; readonly message: string; readonly hint: string } | undefined {
  if (hasNamespace(config, 'mount')) return undefined;
  return {
    pointer: where,
    message: 'it would change the mounts of the host: there is no mount namespace',
    hint: 'add {"type": "mount"} to linux.namespaces',
  };
}

export const namespaceRules: readonly Rule[] = [
  {
    name: 'namespaces-once',
    reads: [NAMESPACES],
    spec,
    linux: true,
    check: ({ linux }, report) => {
      const seen = new Set<string>();
      linux?.namespaces?.forEach(({ type }, index) => {
        if (seen.has(type))
          report({
            pointer: pointer('linux', 'namespaces', index, 'type'),
            message: `there are two namespaces of type "${type}"`,
          });
        seen.add(type);
      });
    },
  },
  {
    name: 'namespace-paths',
    reads: [NAMESPACES],
    spec,
    linux: true,
    check: ({ linux }, report) => {
      linux?.namespaces?.forEach(({ path = '' }, index) => {
        // Empty counts as absent, as engines written in Go mean it.
        if (path !== '' && !path.startsWith('/'))
          report({
            pointer: pointer('linux', 'namespaces', index, 'path'),
            message: `the path of a namespace is absolute; found ${show(path)}`,
          });
      });
    },
  },
  {
    name: 'host-names',
    reads: [NAMESPACES, '/hostname', '/domainname'],
    spec: specLink('config.md#hostname'),
    linux: true,
    check: (config, report) => {
      for (const name of ['hostname', 'domainname'] as const) {
        const value = config[name] ?? '';
        if (value === '') continue;
        if (!hasNamespace(config, 'uts'))
          report({
            pointer: `/${name}`,
            message: `the host's ${name} would change: there is no uts namespace`,
            hint: 'add {"type": "uts"} to linux.namespaces',
          });
        if (value.length * 3 > LONGEST_NAME && Buffer.byteLength(value) > LONGEST_NAME)
          report({ pointer: `/${name}`, message: `it is longer than the ${LONGEST_NAME} bytes that the kernel takes` });
      }
    },
  },
  {
    name: 'mount-namespace',
    reads: [NAMESPACES, '/mounts', '/linux/maskedPaths', '/linux/readonlyPaths', '/linux/rootfsPropagation'],
    spec,
    linux: true,
    check: (config, report) => {
      const { mounts = [], linux = {} } = config;
      const places = [
        mounts.length > 0 ? '/mounts' : undefined,
        (linux.maskedPaths?.length ?? 0) > 0 ? '/linux/maskedPaths' : undefined,
        (linux.readonlyPaths?.length ?? 0) > 0 ? '/linux/readonlyPaths' : undefined,
        linux.rootfsPropagation === undefined ? undefined : '/linux/rootfsPropagation',
      ];
      for (const place of places) {
        const violation = place === undefined ? undefined : needsMountNamespace(config, place);
        if (violation !== undefined) report(violation);
      }
    },
  },
  {
    name: 'confined-paths',
    reads: ['/linux/maskedPaths', '/linux/readonlyPaths'],
    spec: specLink('config-linux.md#masked-paths'),
    linux: true,
    check: ({ linux }, report) => {
      for (const name of ['maskedPaths', 'readonlyPaths'] as const)
        linux?.[name]?.forEach((path, index) => {
          if (!path.startsWith('/'))
            report({
              pointer: pointer('linux', name, index),
              message: `the path is absolute in the container; found ${show(path)}`,
            });
        });
    },
  },
  {
    name: 'time-offsets',
    reads: [NAMESPACES, '/linux/timeOffsets'],
    spec: specLink('config-linux.md#offset-for-time-namespace'),
    linux: true,
    check: ({ linux = {} }, report) => {
      const offsets = linux.timeOffsets ?? undefined;
      if (offsets === undefined) return;
      const at = '/linux/timeOffsets';
      const time = linux.namespaces?.find(({ type }) => type === 'time');
      if (time === undefined)
        report({
          pointer: at,
          message: 'offsets need a time namespace',
          hint: 'add {"type": "time"} to linux.namespaces',
        });
      else if ((time.path ?? '') !== '')
        report({ pointer: at, message: 'a time namespace that is joined has its offsets already' });
      for (const [clock, { secs = 0, nanosecs = 0 }] of Object.entries(offsets)) {
        if (clock !== 'monotonic' && clock !== 'boottime')
          report({
            pointer: pointer('linux', 'timeOffsets', clock),
            message: `${show(clock)} is no clock that a time namespace has`,
            hint: 'it has monotonic and boottime',
          });
        if (Math.abs(secs) > MOST_SECONDS)
          report({
            pointer: `${at}/${clock}/secs`,
            message: `the kernel takes offsets from -${MOST_SECONDS} to ${MOST_SECONDS} seconds; found ${secs}`,
          });
        if (nanosecs > 999_999_999)
          report({ pointer: `${at}/${clock}/nanosecs`, message: 'a second has 1000000000 nanoseconds' });
      }
    },
  },
  {
    name: 'network-devices',
    reads: [NAMESPACES, '/linux/netDevices'],
    spec: specLink('config-linux.md#network-devices'),
    linux: true,
    check: (config, report) => {
      const devices = Object.entries(config.linux?.netDevices ?? {});
      if (devices.length > 0 && !hasNamespace(config, 'network'))
        report({
          pointer: '/linux/netDevices',
          // The specification's own example has none; whoever moves interfaces has to refuse it.
          severity: 'warning',
          message: 'there is no network namespace to move interfaces to',
          hint: 'add {"type": "network"} to linux.namespaces',
        });
      const taken = new Map<string, string>();
      for (const [name, { name: renamed = '' }] of devices) {
        const at = pointer('linux', 'netDevices', name);
        if (!isInterfaceName(name)) report({ pointer: at, message: `${show(name)} can't be the name of an interface` });
        if (renamed !== '' && !isInterfaceName(renamed))
          report({ pointer: `${at}/name`, message: `${show(renamed)} can't be the name of an interface` });
        const inside = renamed === '' ? name : renamed;
        const other = inside.includes('%d') ? undefined : taken.get(inside);
        if (other !== undefined)
          report({
            pointer: renamed === '' ? at : `${at}/name`,
            message: `${show(inside)} is the name of two interfaces in the container, see ${other}`,
          });
        taken.set(inside, at);
      }
    },
  },
];

/** What dev_valid_name() of the kernel allows: 1 to 15 bytes, no slash, colon or white space, not "." or "..". */
function isInterfaceName(name: string): boolean {
  return name !== '.' && name !== '..' && Buffer.byteLength(name) <= 15 && /^[^/:\s]+$/.test(name);
}
