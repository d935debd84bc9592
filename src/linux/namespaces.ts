// Kinds of namespaces: the specification's word (config-linux.md, "Namespaces"), the kernel's flag (clone(2)), the name in /proc/PID/ns.

export const NAMESPACES = {
  pid: { flag: 0x20000000, constant: 'CLONE_NEWPID', file: 'pid' },
  network: { flag: 0x40000000, constant: 'CLONE_NEWNET', file: 'net' },
  mount: { flag: 0x00020000, constant: 'CLONE_NEWNS', file: 'mnt' },
  ipc: { flag: 0x08000000, constant: 'CLONE_NEWIPC', file: 'ipc' },
  uts: { flag: 0x04000000, constant: 'CLONE_NEWUTS', file: 'uts' },
  user: { flag: 0x10000000, constant: 'CLONE_NEWUSER', file: 'user' },
  cgroup: { flag: 0x02000000, constant: 'CLONE_NEWCGROUP', file: 'cgroup' },
  time: { flag: 0x00000080, constant: 'CLONE_NEWTIME', file: 'time' },
} as const;

export type NamespaceType = keyof typeof NAMESPACES;
