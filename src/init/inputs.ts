// What the compiler is told besides the config: what only the host can know, and the descriptors that init inherits.
// `create` opens them for real (container/prepare.ts); `runt plan` and the tests give made-up numbers. So compiling is pure.

import type { NamespaceType } from '../linux/namespaces.ts';
import type { InstallableFilter, SeccompFilter } from '../seccomp/compile.ts';
import type { Config } from '../spec/generated/types.ts';
import type { LabelSteps } from './labels.ts';
import type { Step } from './plan.ts';

/** A descriptor that init inherits, and what `runt plan` shows behind its number. */
export interface Descriptor {
  readonly fd: number;
  readonly text: string;
}

/** The ids of a mount are mapped (mount_setattr(2), MOUNT_ATTR_IDMAP). */
export interface IdMap {
  /** The user namespace whose mappings are meant. */
  readonly users: Descriptor;
  /** All mounts below, too. */
  readonly recursive: boolean;
  readonly step: Step;
  /** Init has no right to, and asks the runtime for it. */
  readonly byRuntime?: true;
}

/** One entry of the config's `mounts`, as the host found it. */
export type PreparedMount = {
  /** Absolute and clean; a dangling symbolic link of the image's on the way is resolved already. */
  readonly destination: string;
  /**
   * How many components of the destination are there for sure when it is this mount's turn; 0: nothing is known. All: the
   * mount point need not be made.
   */
  readonly present: number;
  /** What init does to the mount, before it is attached. Absent for a tree whose copy is made later, and mapped then (LateTree). */
  readonly idMap?: IdMap;
} & (
  | {
      readonly kind: 'bind';
      /** A detached copy of the source (open_tree(2)), with the attributes that the options ask for. */
      readonly tree: Descriptor;
      readonly isDirectory: boolean;
    }
  /**
   * A source on the host, copied when it is this mount's turn. The kernel shows mounts in the order in which they were made (since Linux 6.8), so
   * only then the container's mount table is in the order of the config.
   */
  | {
      readonly kind: 'hostBind';
      /** Absolute. */
      readonly source: string;
      readonly recursive: boolean;
      readonly isDirectory: boolean;
      readonly changes: LateTree['changes'];
    }
  /** Bound from the container's own root, as it is when it is this mount's turn: an earlier mount has to do with what is there. */
  | {
      readonly kind: 'innerBind';
      /** In the root; clean. */
      readonly source: string;
      readonly recursive: boolean;
      readonly changes: LateTree['changes'];
    }
  | {
      readonly kind: 'filesystem';
      readonly type: string;
      /** Of a tmpfs that the config gives none: the mode of the directory of the image that it covers. */
      readonly mode?: number;
    }
  /** A tmpfs with what the container has at the destination in it (`tmpcopyup`), and with the attributes of the mount itself, but for `ro`. */
  | { readonly kind: 'copyUp'; readonly tree: Descriptor }
  /** A folder for each v1 hierarchy, in a tmpfs. */
  | { readonly kind: 'cgroup1'; readonly hierarchies: readonly CgroupHierarchy[] }
  | { readonly kind: 'cgroup2' }
);

/** A cgroup v1 hierarchy as a container sees it. */
export interface CgroupHierarchy {
  /** The folder below the mount: `cpu,cpuacct`, `systemd`. */
  readonly name: string;
  /** The container's own cgroup, on the host. */
  readonly path: string;
}

export interface JoinedNamespace {
  readonly type: NamespaceType;
  readonly descriptor: Descriptor;
  readonly pointer: string;
  /** It belongs to another user namespace than the one that is joined: it is joined before that, while there are the rights. */
  readonly beforeUser?: boolean;
}

export interface CgroupEntry {
  /** The controllers of the hierarchy, for the sentence. */
  readonly controllers: string;
  /** Open for writing: the `tasks` file of the container's cgroup (v1), or `cgroup.procs` (v2). */
  readonly file: Descriptor;
}

/** What a process of a container is made from, be it init or a program that exec adds. */
export type ProcessInputs = Pick<
  InitInputs,
  | 'config'
  | 'id'
  | 'channel'
  | 'cgroups'
  | 'preserveFds'
  | 'newKeyring'
  | 'home'
  | 'terminal'
  | 'userNamespace'
  | 'seccomp'
  | 'labels'
  | 'resourceClass'
  | 'exactInteger'
  | 'caller'
  | 'streamsToGive'
>;

/** A program that is added to a container. */
export interface ExecInputs extends ProcessInputs {
  readonly target: {
    /** The container's init, by a descriptor that means this process and no other. */
    readonly pidfd: Descriptor;
    /** Its namespaces that are joined. */
    readonly namespaces: readonly NamespaceType[];
    /** Its root; only where it has no mount namespace of its own, whose root would be the container's. */
    readonly root?: Descriptor;
  };
  /** cgroup v2: where init itself is; for a cgroup that takes no processes, since init has given controllers to those below it. */
  readonly initsCgroup?: Descriptor;
  /** The program is not executed before the runtime has answered: it brings the program's terminal and the caller's together, or sets the scheduling. */
  readonly waits: boolean;
  /** The program and its arguments are those that the launcher is executed with: the image serves for many (front/exec-record.ts). */
  readonly takesArguments?: true;
}

/** What `process.terminal` needs. */
export interface TerminalInputs {
  /** A connected stream or packet socket: the terminal's master is sent there. */
  readonly socket: Descriptor;
  /** consoleSize; absent: the terminal has no size until somebody sets one. */
  readonly size?: { readonly rows: number; readonly columns: number };
  /** Owns the terminal. */
  readonly uid: number;
}

/** A tree that can only be copied in init's own mount namespace, and so is not copied by the runtime. */
export interface LateTree {
  /** On the host. */
  readonly path: string;
  readonly recursive: boolean;
  /** A descriptor of `path` for the meantime; the copy takes its number. */
  readonly into: Descriptor;
  /** Attributes to set on the copy, one after the other (mount_setattr(2)). */
  readonly changes: readonly {
    readonly set: number;
    readonly clear: number;
    readonly propagation: number;
    readonly recursive: boolean;
  }[];
  /** Before the changes. */
  readonly idMap?: IdMap;
  readonly step: Step;
}

/** What is different where init is not root on the host. */
export interface UserNamespaceInputs {
  /** `inherited`: no namespace of the config's; the runtime itself is in one. */
  readonly kind: 'created' | 'joined' | 'inherited';
  /** The caller is root, on the host or in the namespace that the runtime is in: the launcher can do what init can not. */
  readonly isCallerRoot: boolean;
  /** Whether setgroups(2) is allowed in the namespace; unknown of one that is joined. */
  readonly setgroups: 'allow' | 'deny' | 'unknown';
  /** Who copies the trees: the launcher with the caller's privileges, or init. */
  readonly treesBy: 'launcher' | 'init';
  readonly trees: readonly LateTree[];
  /** Takes the number of this descriptor: the directory where the root is attached. Only where init has its own mounts. */
  readonly rootPlace?: Descriptor;
}

export interface InitInputs {
  readonly config: Config;
  readonly id: string;
  /** Init's end of the pair. */
  readonly channel: Descriptor;
  readonly start: {
    /** The FIFO that `start` writes to, and … */
    readonly order: Descriptor;
    /** … the one that it reads the answer from. Both are open for reading and writing. */
    readonly answer: Descriptor;
  };
  readonly root: {
    /** A detached copy of the root file system's tree. */
    readonly tree: Descriptor;
    /** Where it lies on the host; the tree is attached there until the root is changed, for hooks that look for it there. */
    readonly path: string;
    /** The mount point on the host that holds `path`; only where it must be made private before. */
    readonly parentMount?: string;
  };
  readonly mounts: readonly PreparedMount[];
  readonly namespaces: {
    readonly joined: readonly JoinedNamespace[];
    readonly created: readonly { readonly type: NamespaceType; readonly pointer: string }[];
  };
  readonly cgroups: {
    /** Entered by the launcher, one after the other. */
    readonly entries: readonly CgroupEntry[];
    /** cgroup v2: init is born in it. */
    readonly directory?: Descriptor;
    /** The runtime (systemd) moves the launcher: it waits for the runtime's word, and init inherits its cgroups. */
    readonly movedByRuntime?: true;
  };
  /** Absent: init is root on the host. */
  readonly userNamespace?: UserNamespaceInputs;
  /** Descriptors 3 to 2 + preserveFds stay open in the container. */
  readonly preserveFds: number;
  /** Change the root by moving and chroot (`--no-pivot`): these host mounts of proc and sysfs are taken away before. */
  readonly noPivot?: { readonly fullyVisible: readonly string[] };
  readonly newKeyring: boolean;
  /** What the engine changed in itself and init gets back. Absent: whoever executes the launcher has changed nothing in itself. */
  readonly caller?: {
    readonly openFiles: { readonly soft: bigint; readonly hard: bigint };
    /** Signals whose disposition is not the default; the launcher resets them. */
    readonly ignoredSignals: readonly number[];
  };
  /** The host has a /proc/kcore, so the container gets a /dev/core. */
  readonly kcore: boolean;
  /** HOME of the container's user, where the config's env has none. */
  readonly home?: string;
  readonly hooks?: {
    /** Memory file with the state, for the hooks that init runs. */
    readonly state: Descriptor;
    /** Memory file that takes what these hooks print. */
    readonly output: Descriptor;
  };
  /** Standard streams of the caller's that become the user's. Absent: none. `others`: those that turn out to be somebody else's when the plan runs. */
  readonly streamsToGive?: readonly number[] | 'others';
  /** Present where process.terminal is true. */
  readonly terminal?: TerminalInputs;
  /** `linux.intelRdt`: open for writing, the files `tasks` of the class and of its monitoring group. */
  readonly resourceClass?: readonly Descriptor[];
  /** `linux.seccomp`, compiled. */
  readonly seccomp?: InputFilter;
  /** What writes the labels of AppArmor and SELinux; absent: the config asks for none. */
  readonly labels?: LabelSteps;
  /** 64-bit integers of the config that JSON.parse would have rounded. */
  readonly exactInteger: (pointer: string) => bigint | undefined;
}

/** What it does can be told only of one that was just compiled. */
export type InputFilter = InstallableFilter & Partial<Pick<SeccompFilter, 'details'>>;
