// One at a time deletes a container, or gives it what it has to delete one day: a cgroup that others of a pod have made. The front takes the same lock.

import { closeSync, openSync } from 'node:fs';
import { fail } from '../error.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '../linux/mount-constants.ts';
import { syscall } from '../linux/syscall.ts';
import { directoryOf } from './store.ts';

/** flock(2) */
const LOCK_EX = 2;

/** Waits for the lock, and returns what gives it back; where there is no such container, that does nothing. Throws `state`. */
export function lockState(root: string, id: string): () => void {
  const directory = directoryOf(root, id);
  let fd: number;
  try {
    fd = openSync(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return () => {};
    fail({ code: 'state', message: `open the state directory "${directory}"`, errno: errnoOf(error) }, error);
  }
  let result: number;
  do result = syscall('flock', fd, LOCK_EX);
  while (result === -ERRNO.EINTR);
  if (result < 0) {
    closeSync(fd);
    fail({ code: 'state', message: `lock the state directory "${directory}"`, syscall: 'flock', errno: -result });
  }
  return () => closeSync(fd);
}
