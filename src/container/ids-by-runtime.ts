// Init in a user namespace has no right to map the ids of a mount whose file system is the host's. Of a tree that it copies itself, since only
// the container has the source (steps/inner-bind.ts), it asks the runtime.

import type { IdMap, PreparedMount } from '../init/inputs.ts';
import { AT_EMPTY_PATH, AT_RECURSIVE, MOUNT_ATTR_IDMAP, MOUNT_ATTR_SIZE, mountAttr } from '../linux/mount-constants.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { Descriptors } from './descriptors.ts';
import { takeDescriptor } from './take-descriptor.ts';

const F_DUPFD_CLOEXEC = 1030;

/** Answers init: maps the ids of the tree with this number there. Throws `init`, `system`, with the pointer of the mount. */
export type MapIds = (pid: number, tree: number) => void;

/** undefined: init asks for none. It asks in the order of the mounts. */
export function idsByRuntime(mounts: readonly PreparedMount[], descriptors: Descriptors): MapIds | undefined {
  const asked = mounts.flatMap(({ idMap }) => (idMap?.byRuntime === true ? [idMap] : []));
  if (asked.length === 0) return undefined;
  // What init inherits is closed when it is there.
  const due = asked.map((idMap) => {
    const doing = { message: "keep the user namespace for the mount's ids" };
    return { ...idMap, users: descriptors.own(mustSyscall(doing, 'fcntl', idMap.users.fd, F_DUPFD_CLOEXEC, 0)) };
  });
  return (pid, number) => {
    const next = due.shift();
    if (next !== undefined) mapTree(next, pid, number);
  };
}

function mapTree(
  { users, recursive, step }: Omit<IdMap, 'users'> & { readonly users: number },
  pid: number,
  number: number,
): void {
  const { sentence, pointer = '', hint } = step;
  const tree = takeDescriptor({ message: `${sentence}: take the copy from init`, pointer }, pid, number);
  try {
    const doing = { message: sentence, pointer, ...(hint === undefined ? {} : { hint }) };
    const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    mustSyscall(doing, 'mount_setattr', tree, '', flags, mountAttr(MOUNT_ATTR_IDMAP, 0, 0, users), MOUNT_ATTR_SIZE);
  } finally {
    syscall('close', tree);
  }
}
