// The descriptors that a create holds: those that init inherits, and that all are closed at the end, whatever happens.

import type { Descriptor } from '../init/inputs.ts';
import { makeInheritable } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';

export interface Descriptors {
  /** Takes charge of an open descriptor; init will inherit it under the same number. */
  inherit(fd: number, text: string): Descriptor;
  /** As `inherit`, for what the runtime uses afterwards, too. */
  share(fd: number, text: string): Descriptor;
  /** Takes charge of a descriptor that only the runtime uses. */
  own(fd: number): number;
  /** Lets the next program that is spawned inherit those that it shall. */
  release(): void;
  /**
   * Closes those that were inherited, once init has its own: while the runtime holds a copy of init's end of their socket, it is not
   * told when init ends.
   */
  closeInherited(): void;
  closeAll(): void;
}

export function createDescriptors(): Descriptors {
  const inherited: number[] = [];
  const shared: number[] = [];
  const owned: number[] = [];
  const close = (fds: number[]): void => {
    for (const fd of fds.splice(0)) syscall('close', fd);
  };
  return {
    inherit(fd, text) {
      inherited.push(fd);
      return { fd, text };
    },
    share(fd, text) {
      shared.push(fd);
      return { fd, text };
    },
    own(fd) {
      owned.push(fd);
      return fd;
    },
    release() {
      for (const fd of [...inherited, ...shared]) makeInheritable(fd);
    },
    closeInherited: () => close(inherited),
    closeAll() {
      close(inherited);
      close(shared);
      close(owned);
    },
  };
}
