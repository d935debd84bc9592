// What files tell of the host and the caller.

import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { type CgroupHost, detectCgroups } from '../../cgroup/host.ts';
import { RuntError } from '../../error.ts';
import { capabilitiesOf } from '../../linux/capabilities.ts';
import { NAMESPACES, type NamespaceType } from '../../linux/namespaces.ts';
import type { ControllerFacts, HostFacts } from './facts.ts';
import { triedCalls, triedNamespaces, triedSeccomp } from './try-calls.ts';

/** Empty where it is not there, or not for us. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

export const SYSCTLS: readonly string[] = [
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
  'kernel.unprivileged_bpf_disabled',
  'vm.memfd_noexec',
  ...Object.values(NAMESPACES).map(({ file }) => `user.max_${file}_namespaces`),
];
export const PATHS = {
  systemd: '/run/systemd/system',
  systemdBus: '/run/systemd/private',
  bus: '/run/dbus/system_bus_socket',
  newuidmap: '/usr/bin/newuidmap',
  newgidmap: '/usr/bin/newgidmap',
  resctrl: '/sys/fs/resctrl/schemata',
  resctrlMonitoring: '/sys/fs/resctrl/mon_groups',
  selinux: '/sys/fs/selinux/enforce',
  kernelSecurity: '/sys/kernel/security/lsm',
} as const;
/** Those of v1, and what has taken their place. */
const CONTROLLERS = [
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'pids',
  'blkio',
  'hugetlb',
  'rdma',
  'net_cls',
  'net_prio',
  'devices',
  'freezer',
] as const;
/** In v2 these belong to every cgroup, and are in no list of controllers. */
const OF_V2_ITSELF: ReadonlySet<string> = new Set(['cpuacct', 'devices', 'freezer']);

/** Looks, and tries what is harmless to try. */
export function lookAtHost(): HostFacts {
  const status = read('/proc/self/status');
  const mask = (name: string): string => new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0';
  const effective = capabilitiesOf(mask('CapEff'));
  const kinds = (Object.keys(NAMESPACES) as NamespaceType[]).filter((kind) =>
    existsSync(`/proc/self/ns/${NAMESPACES[kind].file}`),
  );
  const modules = read(PATHS.kernelSecurity).trim();
  return {
    kernel: release(),
    isRoot: process.geteuid?.() === 0,
    capabilities: { effective, bounding: capabilitiesOf(mask('CapBnd')) },
    calls: triedCalls(),
    namespaces: triedNamespaces(kinds, effective.has('CAP_SYS_ADMIN')),
    seccomp: triedSeccomp(),
    sysctls: Object.fromEntries(
      SYSCTLS.flatMap((name) => {
        const value = read(`/proc/sys/${name.replaceAll('.', '/')}`).trim();
        return value === '' ? [] : [[name, value]];
      }),
    ),
    fileSystems: new Set(
      read('/proc/filesystems')
        .split('\n')
        .map((line) => line.split('\t').at(-1) ?? ''),
    ),
    ...(modules === '' ? {} : { securityModules: modules.split(',') }),
    hasAppArmor: read('/sys/module/apparmor/parameters/enabled').trim() === 'Y',
    hasSelinux: existsSync(PATHS.selinux),
    paths: new Set(Object.values(PATHS).filter((path) => existsSync(path))),
    cgroups: controlGroups(),
  };
}

function controlGroups(): HostFacts['cgroups'] {
  let host: CgroupHost;
  try {
    host = detectCgroups();
  } catch (error) {
    if (!(error instanceof RuntError)) throw error;
    host = { mode: 'v1', hierarchies: [] };
  }
  const known = new Map(
    read('/proc/cgroups')
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([name = '', , , enabled]) => [name, enabled === '1'] as const),
  );
  const places = host.hierarchies.map(({ mountPoint, own }) => mountPoint + (own ?? ''));
  return {
    mode: host.hierarchies.length === 0 ? 'none' : host.mode,
    controllers: Object.fromEntries(CONTROLLERS.map((name) => [name, controller(host, known, name)])),
    isWritable: places.length > 0 && places.every(isWritable),
  };
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function controller(host: CgroupHost, known: ReadonlyMap<string, boolean>, name: string): ControllerFacts {
  const built = known.has(name) || (host.mode === 'v2' && OF_V2_ITSELF.has(name));
  const fact = { built, enabled: known.get(name) !== false };
  const hierarchy = host.hierarchies.find(({ version, controllers }) =>
    host.mode === 'v2' ? version === 2 : version === 1 && controllers.split(',').includes(name),
  );
  if (hierarchy === undefined) return fact;
  const { version, mountPoint, own } = hierarchy;
  const called = name === 'blkio' && version === 2 ? 'io' : name;
  const has = (directory: string): boolean =>
    version === 1 ||
    OF_V2_ITSELF.has(name) ||
    read(`${directory}/cgroup.controllers`).trim().split(' ').includes(called);
  if (!has(mountPoint)) return fact;
  // Many files are not in the root of a hierarchy, and of v2 only where the controller was handed down to.
  const place = [
    ...(own === null || own === '' ? [] : [mountPoint + own]),
    ...list(mountPoint).map((entry) => `${mountPoint}/${entry}`),
  ].find((directory) => existsSync(`${directory}/cgroup.procs`) && has(directory));
  return { ...fact, version, ...(place === undefined ? {} : { files: new Set(list(place)) }) };
}
