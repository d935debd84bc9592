// SCMP_ACT_NOTIFY: the listener's descriptor goes to the agent at `listenerPath`, with the container process state
// (config-linux.md, "The Container Process State"). Loaded only for profiles that notify.

import { syscall } from '../linux/syscall.ts';
import { connectStream, sendDescriptor } from '../linux/unix-sockets.ts';
import type { Seccomp } from '../spec/generated/types.ts';
import { takeDescriptor } from './take-descriptor.ts';

export interface Notifying {
  readonly profile: Seccomp;
  /** The process that has installed the filter: as the host sees it. */
  readonly pid: number;
  /** The listener's number in that process. */
  readonly listener: number;
  /** The container's state as JSON (runtime.md, "State"). */
  readonly state: string;
}

/** Takes the listener from the process and gives it to the agent. Throws `init`, naming the config's field. */
export function sendListener({ profile, pid, listener, state }: Notifying): void {
  const pointer = '/linux/seccomp/listenerPath';
  const path = profile.listenerPath ?? '';
  const taking = { message: 'take the listener of the seccomp filter from init', pointer: '/linux/seccomp' };
  const listenerFd = takeDescriptor(taking, pid, listener);
  try {
    const doing = {
      message: `failed to connect with seccomp agent specified in the seccomp profile: ${path}`,
      pointer,
      hint: 'the agent must listen on this Unix socket (SOCK_STREAM) before the container is created',
    };
    const socket = connectStream(doing, path);
    const container = JSON.parse(state) as { readonly ociVersion: string };
    const text = JSON.stringify({
      ociVersion: container.ociVersion,
      fds: ['seccompFd'],
      pid,
      metadata: profile.listenerMetadata ?? '',
      state: container,
    });
    try {
      sendDescriptor({ message: `send the listener to the seccomp agent ${path}`, pointer }, socket, text, listenerFd);
    } finally {
      syscall('close', socket);
    }
  } finally {
    syscall('close', listenerFd);
  }
}
