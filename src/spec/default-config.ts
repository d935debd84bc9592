// The config that `runt spec` writes: the same container as `runc spec` describes.

import { statfsSync } from 'node:fs';
import type { Capabilities, Config, LinuxNamespace, Mount } from './generated/types.ts';

/** CGROUP2_SUPER_MAGIC of <linux/magic.h>. */
const CGROUP2 = 0x63677270;
const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

export interface DefaultConfigOptions {
  /** For a user without privileges: a user namespace in which that user is root, the host's network, no cgroup limits. */
  readonly rootless: boolean;
  /** The user and group that become root in a rootless container; by default the caller's. */
  readonly uid?: number;
  readonly gid?: number;
  /** Whether the host has cgroup v2 alone, where the container gets a cgroup namespace; by default asked of the host. */
  readonly unifiedCgroups?: boolean;
}

export function defaultConfig(options: DefaultConfigOptions): Config {
  const { rootless, unifiedCgroups = hostHasUnifiedCgroups() } = options;
  const capabilities: Capabilities = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES };
  return {
    ociVersion: '1.3.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities,
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'runc',
    mounts: mounts(rootless),
    linux: {
      ...(rootless ? mappings(options) : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      namespaces: namespaces(rootless, unifiedCgroups),
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/sys/firmware',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/** As a file: indented with tabs. */
export function formatConfig(config: Config): string {
  return JSON.stringify(config, null, '\t');
}

function hostHasUnifiedCgroups(): boolean {
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2;
  } catch {
    return false; // no cgroups to have a namespace of
  }
}

function mounts(rootless: boolean): Mount[] {
  const quiet = ['nosuid', 'noexec', 'nodev'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      // Group 5 is tty; a rootless container has one group only.
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(rootless ? [] : ['gid=5'])],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
    // A new sysfs belongs to a network namespace, which a rootless container shares with the host.
    rootless
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...quiet, 'ro'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, 'relatime', 'ro'] },
  ];
}

function namespaces(rootless: boolean, unifiedCgroups: boolean): LinuxNamespace[] {
  return [
    { type: 'pid' },
    ...(rootless ? [] : [{ type: 'network' } as const]),
    { type: 'ipc' },
    { type: 'uts' },
    { type: 'mount' },
    ...(unifiedCgroups ? [{ type: 'cgroup' } as const] : []),
    ...(rootless ? [{ type: 'user' } as const] : []),
  ];
}

function mappings({
  uid = process.geteuid?.() ?? 0,
  gid = process.getegid?.() ?? 0,
}: DefaultConfigOptions): Pick<NonNullable<Config['linux']>, 'uidMappings' | 'gidMappings'> {
  return {
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
  };
}
