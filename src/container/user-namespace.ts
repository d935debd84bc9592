// User namespaces, and callers who are not root on the host (user_namespaces(7)): loaded only where there is one.

import { fstatSync, readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import type { Descriptor, IdMap, InitInputs, LateTree, UserNamespaceInputs } from '../init/inputs.ts';
import { GO } from '../init/messages.ts';
import { waitsForRuntime } from '../init/steps/user-namespace.ts';
import { AT_FDCWD, O_CLOEXEC, O_PATH } from '../linux/mount-constants.ts';
import { waitForReadable } from '../linux/pidfd.ts';
import { RLIMITS } from '../linux/rlimits.ts';
import { sendPacket } from '../linux/sockets.ts';
import type { ExitStatus } from '../linux/spawn.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { Config, IdMapping } from '../spec/generated/types.ts';
import type { TreeChange } from './bind-attributes.ts';
import type { Descriptors } from './descriptors.ts';
import { type Caller, isSameMap, type Mappings, mapIds, needsTool, parseMap } from './id-maps.ts';

const NS_GET_USERNS = 0xb701;

export interface UserNamespace extends Mappings {
  readonly kind: UserNamespaceInputs['kind'];
  readonly isCallerRoot: boolean;
  readonly setgroups: UserNamespaceInputs['setgroups'];
}

/**
 * What the config and the caller make of it. Throws `config`, `unsupported` for what can't be. Called only where the config has a user
 * namespace, or the caller is not root on the host.
 */
export function userNamespaceOf(config: Config, caller: Caller): UserNamespace {
  const { namespaces = [], uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const index = namespaces.findIndex(({ type }) => type === 'user');
  const path = namespaces[index]?.path ?? '';
  const isCallerRoot = caller.uid === 0;
  if (index === -1 && !isCallerRoot) {
    fail({
      code: 'config',
      message: 'rootless container requires user namespaces',
      pointer: '/linux/namespaces',
      hint: 'add {"type": "user"} and mappings ("runt spec --rootless" does), or run as root',
    });
  }
  const kind = index === -1 ? 'inherited' : path === '' ? 'created' : 'joined';
  if (kind === 'joined') return joinedNamespace(path, { uidMappings, gidMappings }, isCallerRoot);
  const denied = kind === 'created' && !isCallerRoot && !needsTool('gid', gidMappings, caller);
  const setgroups = denied || isDeniedHere() ? 'deny' : 'allow';
  if (setgroups === 'deny' && (config.process?.user?.additionalGids ?? []).length > 0) {
    fail({
      code: 'config',
      message: 'cannot set any additional groups in a rootless container',
      pointer: '/process/user/additionalGids',
      hint: 'setgroups(2) is denied where a user without privileges maps a group (user_namespaces(7))',
    });
  }
  return { kind, isCallerRoot, setgroups, uidMappings, gidMappings };
}

/** Of a namespace that is joined the mappings are what they are: others in the config would be a mistake of somebody's. */
function joinedNamespace(path: string, given: Mappings, isCallerRoot: boolean): UserNamespace {
  const actual = mappingsOf(path);
  for (const list of ['uidMappings', 'gidMappings'] as const) {
    if (given[list].length === 0 || (actual !== undefined && isSameMap(given[list], actual[list]))) continue;
    fail({
      code: 'config',
      message:
        actual === undefined
          ? `user namespaces enabled, but both namespace path and mapping specified, and the mappings of "${path}" can't be looked up`
          : 'user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one',
      pointer: `/linux/${list}`,
      hint: 'leave the mappings out: the namespace has its own',
    });
  }
  return { kind: 'joined', isCallerRoot, setgroups: 'unknown', ...(actual ?? given) };
}

/** They are told of processes only; undefined where the path is not a process's, or it has ended. */
function mappingsOf(path: string): Mappings | undefined {
  const process = /^(\/proc\/\d+)\/ns\/user$/.exec(path)?.[1];
  if (process === undefined) return undefined;
  try {
    return {
      uidMappings: parseMap(readFileSync(`${process}/uid_map`, 'latin1')),
      gidMappings: parseMap(readFileSync(`${process}/gid_map`, 'latin1')),
    };
  } catch {
    return undefined;
  }
}

/** As the runtime's own namespace has it, a new one in it has it too. */
function isDeniedHere(): boolean {
  try {
    return readFileSync('/proc/self/setgroups', 'latin1').trim() === 'deny';
  } catch {
    return false; // a kernel before 3.19 can't deny it
  }
}

export function thisCaller(): Caller {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

/** undefined: not mapped. */
export function hostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const range = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return range === undefined ? undefined : range.hostID + id - range.containerID;
}

/** Trees that are copied later, in init's mount namespace (init/steps/user-namespace.ts). */
export interface LateTrees {
  readonly user: UserNamespace;
  /** Opens the path; its descriptor, which can be looked at, stands for the copy and becomes it. */
  open(path: string, recursive: boolean, doing: string, pointer: string): number;
  /** What is to be done to the copy. */
  change(fd: number, changes: readonly TreeChange[]): void;
  /** The copy's ids are mapped. */
  mapIds(fd: number, idMap: IdMap): void;
  /** The descriptor that becomes the place of the root. */
  place(path: string): void;
  /** For the compiler. */
  inputs(created: InitInputs['namespaces']['created']): UserNamespaceInputs;
  markJoined(joined: InitInputs['namespaces']['joined']): InitInputs['namespaces']['joined'];
}

export function copiesTrees(of: {
  readonly kind: UserNamespaceInputs['kind'];
  readonly isCallerRoot: boolean;
  readonly ownMounts: boolean;
}): UserNamespaceInputs['treesBy'] {
  return of.ownMounts && of.kind !== 'inherited' && of.isCallerRoot ? 'launcher' : 'init';
}

export function createLateTrees(descriptors: Descriptors, user: UserNamespace): LateTrees {
  const list: (LateTree & { idMap?: IdMap })[] = [];
  const changes = new Map<number, TreeChange[]>();
  let place: Descriptor | undefined;
  const openPath = (path: string, doing: string, pointer: string): number =>
    mustSyscall({ message: doing, pointer }, 'openat', AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
  return {
    user,
    open(path, recursive, doing, pointer) {
      const fd = openPath(path, doing, pointer);
      const own: TreeChange[] = [];
      changes.set(fd, own);
      list.push({ path, recursive, into: { fd, text: path }, changes: own, step: { sentence: doing, pointer } });
      return fd;
    },
    change: (fd, more) => void changes.get(fd)?.push(...more),
    mapIds(fd, idMap) {
      const tree = list.find(({ into }) => into.fd === fd);
      if (tree !== undefined) tree.idMap = idMap;
    },
    place(path) {
      const fd = openPath(path, `open the place of the root "${path}"`, '/root/path');
      place = descriptors.inherit(fd, `place of ${path}`);
    },
    inputs(namespaces) {
      const { kind, isCallerRoot, setgroups } = user;
      const ownMounts = namespaces.some(({ type }) => type === 'mount');
      return {
        kind,
        isCallerRoot,
        setgroups,
        treesBy: copiesTrees({ kind, isCallerRoot, ownMounts }),
        trees: ownMounts ? list : [],
        ...(place === undefined || !ownMounts ? {} : { rootPlace: place }),
      };
    },
    markJoined,
  };
}

/**
 * Of the namespaces to join, which belong to another user namespace than the one to join: they are joined before it, with the rights that the
 * caller has on the host.
 */
function markJoined(joined: InitInputs['namespaces']['joined']): InitInputs['namespaces']['joined'] {
  const user = joined.find(({ type }) => type === 'user');
  if (user === undefined) return joined;
  const { ino, dev } = fstatSync(user.descriptor.fd);
  return joined.map((namespace) => {
    if (namespace === user) return namespace;
    const owner = syscall('ioctl', namespace.descriptor.fd, NS_GET_USERNS, 0);
    // EPERM: it belongs to one above the caller's, where no right will ever be had; the kernel says so when it is joined.
    if (owner < 0) return namespace;
    const stat = fstatSync(owner);
    syscall('close', owner);
    return stat.ino === ino && stat.dev === dev ? namespace : { ...namespace, beforeUser: true };
  });
}

/**
 * Init is there, and may wait: writes its maps, and lets it go on. `launcher`: how that ended; it reports its failure itself. Throws `init` where it
 * could not, since nothing more would ever be heard.
 */
export function releaseInit(
  user: UserNamespace,
  inputs: UserNamespaceInputs | undefined,
  { pid, channel, launcher }: { pid: number; channel: number; launcher: ExitStatus | undefined },
): void {
  if (inputs === undefined || !waitsForRuntime(inputs)) return;
  if (launcher !== undefined && !('exited' in launcher && launcher.exited === 0)) {
    // What it had to say, and the process that copied trees for it, was sent before it ended.
    if (waitForReadable(channel, 0)) return;
    fail({
      code: 'init',
      message: 'what copies the mount sources for init ended without a word',
      pointer: '/mounts',
      hint: 'was it killed, or did a memory limit hit it? see the kernel log',
    });
  }
  if (user.kind === 'created') mapIds(pid, user);
  // It may have been killed; the next that is heard of it tells.
  sendPacket(channel, GO);
}

/** Sets limits for init from outside: in its user namespace it has no right to raise one (setrlimit(2)). Throws `system`. */
export function limitResources(
  pid: number,
  config: Config,
  exactInteger: InitInputs['exactInteger'],
  { kind, isCallerRoot }: UserNamespace,
): void {
  if (kind === 'inherited' || !isCallerRoot) return;
  (config.process?.rlimits ?? []).forEach(({ type, soft, hard }, index) => {
    const at = `/process/rlimits/${index}`;
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(exactInteger(`${at}/soft`) ?? BigInt(soft), 0);
    limit.writeBigUInt64LE(exactInteger(`${at}/hard`) ?? BigInt(hard), 8);
    const doing = {
      message: `limit ${type} to ${soft} (soft), ${hard} (hard)`,
      pointer: at,
      hint: 'raising a hard limit needs CAP_SYS_RESOURCE',
    };
    mustSyscall(doing, 'prlimit64', pid, RLIMITS[type as keyof typeof RLIMITS], limit, null);
  });
}
