// The container that a program is added to: its first process, held so that no other process can take its place.

import { statSync } from 'node:fs';
import { fail } from '../error.ts';
import type { ExecInputs } from '../init/inputs.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../linux/mount-constants.ts';
import { NAMESPACES, type NamespaceType } from '../linux/namespaces.ts';
import { pidfdOpen } from '../linux/pidfd.ts';
import { isSameProcess } from '../linux/procfs.ts';
import { mustSyscall } from '../linux/syscall.ts';
import type { Config } from '../spec/generated/types.ts';
import type { Descriptors } from './descriptors.ts';
import { isHostRoot } from './privileges.ts';
import type { ContainerRecord } from './store.ts';

export interface ExecTarget {
  readonly pid: number;
  readonly target: ExecInputs['target'];
  /** Init's root, for looking: HOME. Ours to close. */
  readonly root: number;
}

/** Joined always by root: it costs nothing where the caller is in the same one. */
const USUAL: readonly NamespaceType[] = ['mount', 'network', 'ipc', 'uts', 'cgroup', 'pid'];

/** Throws `status` where the container has no process, or is only being made; `system`. */
export function openTarget(record: ContainerRecord, config: Config, descriptors: Descriptors): ExecTarget {
  const { id, init, ready, creator } = record;
  if (!ready && isSameProcess(creator.pid, creator.startTime))
    fail({ code: 'status', message: `cannot exec in container "${id}": it is being created` });
  const pidfd = init === undefined ? -1 : pidfdOpen(init.pid);
  if (init === undefined || pidfd < 0) return stopped(id);
  const held = descriptors.inherit(pidfd, `init of ${id}`);
  try {
    const doing = { message: `open the root of container "${id}" (process ${init.pid})` };
    const root = mustSyscall(doing, 'openat', AT_FDCWD, `/proc/${init.pid}/root`, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const ownMounts = hasOwnMounts(config);
    // Kept open in any case; the launcher gets it only where it is to enter it.
    if (ownMounts) descriptors.own(root);
    const target = {
      pidfd: held,
      namespaces: namespacesToJoin(init.pid),
      ...(ownMounts ? {} : { root: descriptors.inherit(root, 'root of init') }),
    };
    // Last: if the pid still is init's, it was so all the time, and all that was opened is init's (a pid is given to another only after
    // its process has ended).
    if (isSameProcess(init.pid, init.startTime)) return { pid: init.pid, target, root };
  } catch (error) {
    // What went wrong may be that it ended meanwhile.
    if (isSameProcess(init.pid, init.startTime)) throw error;
  }
  return stopped(id);
}

/** Whether init's root is the root of its mount namespace. */
export function hasOwnMounts({ linux }: Config): boolean {
  return (linux?.namespaces ?? []).some(({ type, path }) => type === 'mount' && (path ?? '') === '');
}

export function namespacesToJoin(pid: number): NamespaceType[] {
  // Others may not join what is the host's, not even where they are in it already: a container that shares its network, for one.
  const usual = isHostRoot() ? USUAL : USUAL.filter((type) => isDiffering(type, pid));
  return [...differing('user', pid), ...usual, ...differing('time', pid)];
}

function stopped(id: string): never {
  return fail({ code: 'status', message: `cannot exec in a stopped container: container not running: "${id}"` });
}

/** The namespace where it is another than ours: the kernel refuses to join one's own user namespace, and may have no time namespaces. */
function differing(type: 'user' | 'time', pid: number): NamespaceType[] {
  return isDiffering(type, pid) ? [type] : [];
}

/** False also where the kernel has none of that type. */
function isDiffering(type: NamespaceType, pid: number): boolean {
  const { file } = NAMESPACES[type];
  const theirs = statSync(`/proc/${pid}/ns/${file}`, { throwIfNoEntry: false })?.ino;
  return theirs !== undefined && theirs !== statSync(`/proc/self/ns/${file}`, { throwIfNoEntry: false })?.ino;
}
