// Descriptors that tell of events: eventfd(2), inotify(7). All close-on-exec and non-blocking.

import { mustSyscall } from './syscall.ts';

/** EFD_CLOEXEC and EFD_NONBLOCK, and those of inotify, are O_CLOEXEC and O_NONBLOCK on both architectures. */
const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
const IN_MODIFY = 2;

/** A counter that starts at 0. Throws `system`. */
export function eventFd(): number {
  return mustSyscall({ message: 'make an eventfd' }, 'eventfd2', 0, CLOEXEC | NONBLOCK);
}

/** Throws `system`. */
export function inotify(): number {
  return mustSyscall(
    { message: 'make an inotify instance', hint: 'see the sysctl fs.inotify.max_user_instances' },
    'inotify_init1',
    CLOEXEC | NONBLOCK,
  );
}

/** Throws `system`. */
export function watchModifications(fd: number, path: string): void {
  mustSyscall(
    { message: `watch ${path}`, hint: 'see the sysctl fs.inotify.max_user_watches' },
    'inotify_add_watch',
    fd,
    path,
    IN_MODIFY,
  );
}
