// What is known of the host and the caller after looking: data, from which check.ts and control-groups.ts conclude.

import type { CapabilityName } from '../../linux/capabilities.ts';
import type { NamespaceType } from '../../linux/namespaces.ts';
import type { SyscallName } from '../../linux/syscall-numbers.ts';
import type { SeccompAction, SeccompFlag } from '../../spec/generated/types.ts';

/** A controller of control groups, by its v1 name. */
export interface ControllerFacts {
  /** In which kind of hierarchy it can be used; undefined: in none that is mounted. */
  readonly version?: 1 | 2;
  /** A line of /proc/cgroups: the kernel was built with it; `enabled` unless the kernel's command line says otherwise. */
  readonly built: boolean;
  readonly enabled: boolean;
  /** The control files of a cgroup that has the controller; undefined: there is no cgroup to look at. */
  readonly files?: ReadonlySet<string>;
}

export interface HostFacts {
  /** uname -r. */
  readonly kernel: string;
  readonly isRoot: boolean;
  readonly capabilities: {
    readonly effective: ReadonlySet<CapabilityName>;
    readonly bounding: ReadonlySet<CapabilityName>;
  };
  /** The errno that a call gave which asks for nothing sensible; 0: it succeeded. ENOSYS: there is no such call. */
  readonly calls: Readonly<Partial<Record<SyscallName, number>>>;
  /** The errno of making a namespace, by a process that is gone again; undefined: the kernel has no such kind. */
  readonly namespaces: Readonly<Partial<Record<NamespaceType, number>>>;
  readonly seccomp: {
    readonly actions: ReadonlySet<SeccompAction>;
    readonly flags: ReadonlySet<SeccompFlag>;
    readonly notifies: boolean;
  };
  /** Values of sysctls by their dotted names; those that the kernel does not have are absent. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** As in /proc/filesystems. */
  readonly fileSystems: ReadonlySet<string>;
  /** Names of the security modules in force; undefined: it can't be seen. */
  readonly securityModules?: readonly string[];
  readonly hasAppArmor: boolean;
  readonly hasSelinux: boolean;
  /** Which paths are there, of those that the checks ask about. */
  readonly paths: ReadonlySet<string>;
  readonly cgroups: {
    readonly mode: 'v1' | 'hybrid' | 'v2' | 'none';
    readonly controllers: Readonly<Record<string, ControllerFacts>>;
    /** The caller may make cgroups. */
    readonly isWritable: boolean;
  };
}

/** What is missing, in one word. */
export type LackKind =
  | 'kernel' // a later version
  | 'option' // a kernel built with it
  | 'boot' // another command line of the kernel
  | 'sysctl'
  | 'module'
  | 'lsm'
  | 'mount'
  | 'file'
  | 'capability'
  | 'privilege';

export interface Lack {
  readonly kind: LackKind;
  /** What is so, as a whole sentence without a full stop. */
  readonly reason: string;
  /** What would change it. */
  readonly hint?: string;
}

/** One thing that a config or an option can ask for. */
export interface Ability {
  /** Names of fields of config.json, or of options. */
  readonly of: readonly string[];
  /** Absent: it works here, as far as can be seen. */
  readonly lack?: Lack;
}
