// The ids of mounts (config.md, "POSIX-platform Mounts": `uidMappings`, `gidMappings`, and the options `idmap`, `ridmap`): a mount shows the owners
// of its files as a user namespace maps them (mount_setattr(2), MOUNT_ATTR_IDMAP). Loaded only where a config asks for it.

import { realpathSync } from 'node:fs';
import { fail } from '../error.ts';
import type { Descriptor, IdMap, PreparedMount } from '../init/inputs.ts';
import { compileMappingHolder } from '../init/mapping-holder.ts';
import { spawnLauncher } from '../init/spawn.ts';
import { ERRNO } from '../linux/errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../linux/mount-constants.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import { packetPair, receivePacket } from '../linux/sockets.ts';
import { makeInheritable, waitForChild } from '../linux/spawn.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { Config, Mount } from '../spec/generated/types.ts';
import type { Descriptors } from './descriptors.ts';
import { fileSystemOf } from './host-mounts.ts';
import { type Mappings, mapIds, mapText } from './id-maps.ts';
import type { UserNamespace } from './user-namespace.ts';

export { idsByRuntime } from './ids-by-runtime.ts';

export interface IdMaps {
  /** undefined: the ids of this mount are as they are. Throws `config`, `unsupported`, `system`. */
  of(mount: Mount, index: number, place: MountPlace): IdMap | undefined;
}

export interface MountPlace {
  readonly kind: PreparedMount['kind'];
  readonly destination: string;
  /** Of a bind mount, absolute, on the host. */
  readonly source?: string;
}

export interface IdMapsOptions {
  readonly config: Config;
  /** A user namespace with these mappings, that no process is in; `index`: the first mount that it is for. */
  readonly makeNamespace: (mappings: MountMappings, index: number) => Descriptor;
  /** Absent: the container has no user namespace, and the caller is root on the host. */
  readonly user: Pick<UserNamespace, 'kind' | 'isCallerRoot'> | undefined;
  /** The user namespace that the container joins. */
  readonly joined: Descriptor | undefined;
}

export function isIdMapped({ uidMappings, gidMappings, options = [] }: Mount): boolean {
  return uidMappings !== undefined || gidMappings !== undefined || parseMountOptions(options).idmap !== undefined;
}

/** A namespace is made once for all mounts that have the same mappings. */
export function createIdMaps(options: IdMapsOptions): IdMaps {
  const made = new Map<string, Descriptor>();
  return {
    of(mount, index, place) {
      if (!isIdMapped(mount)) return undefined;
      refuseImpossible(options, mount, index, place);
      const recursive = parseMountOptions(mount.options ?? []).idmap?.recursive === true;
      const asked = mappingsOf(options, mount, index);
      const step = stepOf(mount, index, place);
      const how = {
        recursive,
        step,
        ...(place.kind === 'innerBind' && options.user !== undefined ? ({ byRuntime: true } as const) : {}),
      };
      if (asked.kind === 'joined') return { users: asked.users, ...how };
      const key = `${mapText(asked.uidMappings)}/${mapText(asked.gidMappings)}`;
      let users = made.get(key);
      if (users === undefined) {
        users = options.makeNamespace(asked, index);
        made.set(key, users);
      }
      return { users, ...how };
    },
  };
}

type Asked = { readonly kind: 'joined'; readonly users: Descriptor } | ({ readonly kind: 'own' } & MountMappings);
export interface MountMappings extends Mappings {
  /** Where the mappings are in the config. */
  readonly pointers: { readonly uid: string; readonly gid: string };
}

/** The mount's own, or else those of the container's user namespace. */
function mappingsOf({ config, joined }: IdMapsOptions, mount: Mount, index: number): Asked {
  const { uidMappings, gidMappings } = mount;
  if (uidMappings !== undefined && gidMappings !== undefined) {
    const pointers = { uid: `/mounts/${index}/uidMappings`, gid: `/mounts/${index}/gidMappings` };
    return { kind: 'own', uidMappings, gidMappings, pointers };
  }
  if (joined !== undefined) return { kind: 'joined', users: joined };
  const { linux } = config;
  const pointers = { uid: '/linux/uidMappings', gid: '/linux/gidMappings' };
  return {
    kind: 'own',
    uidMappings: linux?.uidMappings ?? [],
    gidMappings: linux?.gidMappings ?? [],
    pointers,
  };
}

/** Where it is asked for. */
function pointerOf({ uidMappings, options = [] }: Mount, index: number): string {
  if (uidMappings !== undefined) return `/mounts/${index}/uidMappings`;
  return `/mounts/${index}/options/${options.findIndex((word) => word === 'idmap' || word === 'ridmap')}`;
}

function refuseImpossible({ user }: IdMapsOptions, mount: Mount, index: number, { kind }: MountPlace): void {
  const pointer = pointerOf(mount, index);
  const isBind = kind === 'bind' || kind === 'hostBind' || kind === 'innerBind';
  if (user !== undefined && !user.isCallerRoot) {
    fail({
      code: 'unsupported',
      message: 'id-mapped mounts are not supported for rootless containers',
      pointer,
      hint: 'mount_setattr(2) takes CAP_SYS_ADMIN in the user namespace that the file system belongs to',
    });
  }
  if (!isBind && mount.type === 'cgroup') {
    fail({
      code: 'unsupported',
      message: `the ids of the mount on "${mount.destination}" can't be mapped: cgroup file systems don't support it`,
      pointer,
    });
  }
  if (!isBind && user !== undefined && user.kind !== 'inherited') {
    fail({
      code: 'unsupported',
      message: `the ids of the mount on "${mount.destination}" can't be mapped: a new ${mount.type} belongs to the container's user namespace, and has its ids already`,
      pointer,
      hint: 'with a user namespace bind mounts can be id-mapped',
    });
  }
}

/** How the change is told of; the kernel does not say what it does not like. */
function stepOf(mount: Mount, index: number, { destination, source }: MountPlace): IdMap['step'] {
  const type = source === undefined ? mount.type : fileSystemAt(source);
  const what = type === undefined ? 'its file system' : type;
  return {
    sentence: `map the ids of the mount on ${destination}${type === undefined ? '' : ` (${type})`}`,
    pointer: pointerOf(mount, index),
    hint: `EINVAL: ${what} does not support id-mapped mounts on this kernel; EPERM: the source is id-mapped already, or ${what} is another user namespace's`,
  };
}

function fileSystemAt(source: string): string | undefined {
  try {
    return fileSystemOf(realpathSync(source));
  } catch {
    return undefined; // it will be in the container only, or some directory on the way is not for the caller
  }
}

/** For IdMapsOptions. `directory`: see `spawnLauncher`. Throws `system`, `host`. */
export function namespaceMaker(descriptors: Descriptors, directory: string): IdMapsOptions['makeNamespace'] {
  return (mappings, index) => {
    const fd = makeNamespace(directory, mappings, `/mounts/${index}`);
    return descriptors.inherit(fd, `ids of mount ${index}`);
  };
}

function makeNamespace(directory: string, mappings: MountMappings, pointer: string): number {
  const [ours, theirs] = packetPair();
  let pid: number | undefined;
  try {
    makeInheritable(theirs);
    pid = spawnLauncher(compileMappingHolder({ fd: theirs, text: 'runtime' }), directory).pid;
    syscall('close', theirs);
    awaitNamespace(ours, pointer);
    mapIds(pid, mappings, mappings.pointers);
    const doing = { message: "open the user namespace for the mount's ids", pointer };
    return mustSyscall(doing, 'openat', AT_FDCWD, `/proc/${pid}/ns/user`, O_RDONLY | O_CLOEXEC, 0);
  } finally {
    if (pid === undefined) syscall('close', theirs);
    // The process ends by it.
    syscall('close', ours);
    if (pid !== undefined) waitForChild(pid);
  }
}

function awaitNamespace(channel: number, pointer: string): void {
  const message = "make a user namespace for the mount's ids";
  const packet = receivePacket(channel);
  if (typeof packet === 'number') fail({ code: 'system', message, syscall: 'recvfrom', errno: -packet, pointer });
  if (packet.length === 8) return;
  const errno = packet.length === 16 ? packet.readUInt32LE(8) : ERRNO.ESRCH;
  fail({
    code: 'system',
    message,
    syscall: 'unshare',
    errno,
    pointer,
    hint: 'ENOSPC: /proc/sys/user/max_user_namespaces; EPERM: user namespaces are disabled on this host',
  });
}
