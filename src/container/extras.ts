// What a create may be asked for besides the container itself: a terminal, a socket that gets a pidfd, sockets that systemd passed on
// (LISTEN_FDS) and a socket to tell it that the service is up (NOTIFY_SOCKET). Loaded only where one of them is.

import { fail } from '../error.ts';
import type { TerminalInputs } from '../init/inputs.ts';
import { hasOwnMounts } from '../init/steps/root.ts';
import { pidfdOpen } from '../linux/pidfd.ts';
import { syscall } from '../linux/syscall.ts';
import { connectStream, sendDescriptor } from '../linux/unix-sockets.ts';
import type { Config } from '../spec/generated/types.ts';
import type { LoadedConfig } from '../spec/load.ts';
import type { CreateOptions } from './create.ts';
import type { Descriptors } from './descriptors.ts';
import { bindNotifySocket, makeNotifyDirectory, NOTIFY_VARIABLE, notifyMount } from './notify.ts';
import { checkTerminalChoice, prepareTerminal } from './terminal.ts';

export interface Extras {
  /** As the create was asked, with the descriptors of LISTEN_FDS. */
  readonly options: CreateOptions;
  /** The config with the variables and mounts of the sockets. */
  readonly loaded: LoadedConfig;
  /** The container gets a NOTIFY_SOCKET. */
  readonly notifies: boolean;
  /** Makes what init needs. Throws `system`. */
  open(descriptors: Descriptors): OpenExtras;
}

export interface OpenExtras {
  readonly terminal?: TerminalInputs;
  /** Init is there and waits: tells those who asked for its pid. */
  created(pid: number): void;
  /** What the command that goes on needs; its own to close. */
  handOver(): { readonly terminal?: number; readonly notify?: number };
}

/** Throws `usage` for options that don't go together. */
export function extrasOf(options: CreateOptions, loaded: LoadedConfig): Extras {
  const { root, id, consoleSocket, pidfdSocket, run } = options;
  const { config } = loaded;
  const terminal = config.process?.terminal === true;
  checkTerminalChoice({ terminal, detached: run !== 'foreground', consoleSocket });
  const sockets = passedSockets(process.env, process.pid);
  const notifies = (process.env['NOTIFY_SOCKET'] ?? '') !== '' && hasOwnMounts({ namespaces: ownNamespaces(config) });
  return {
    notifies,
    options: { ...options, preserveFds: options.preserveFds + sockets.count },
    loaded: {
      ...loaded,
      config: withVariables(notifies ? withMount(config, notifyMount(root, id)) : config, [
        ...sockets.variables,
        ...(notifies ? [NOTIFY_VARIABLE] : []),
      ]),
    },
    open(descriptors) {
      const prepared =
        terminal && config.process !== undefined
          ? prepareTerminal(config.process, consoleSocket, descriptors)
          : undefined;
      const pidfdReceiver =
        pidfdSocket === undefined ? undefined : descriptors.own(connectStream(pidfdDoing(pidfdSocket), pidfdSocket));
      if (notifies) makeNotifyDirectory(root, id);
      // `create` leaves that to `start`: nobody would read it meanwhile.
      const notify = notifies && run !== undefined ? bindNotifySocket(root, id) : undefined;
      return {
        ...(prepared === undefined ? {} : { terminal: prepared.inputs }),
        created(pid) {
          if (pidfdReceiver !== undefined) sendPidfd(pidfdReceiver, pid, pidfdSocket ?? '');
        },
        handOver() {
          const master = prepared?.receive();
          return { ...(master === undefined ? {} : { terminal: master }), ...(notify === undefined ? {} : { notify }) };
        },
      };
    },
  };
}

function ownNamespaces(config: Config): Parameters<typeof hasOwnMounts>[0]['namespaces'] {
  const created = (config.linux?.namespaces ?? []).filter(({ path }) => (path ?? '') === '');
  return { joined: [], created: created.map(({ type }) => ({ type, pointer: '' })) };
}

/**
 * The sockets of sd_listen_fds(3), if they are meant for this process: they lie from 3 on, before those of --preserve-fds. For the
 * container's first process they are renamed to be its own.
 */
export function passedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): { readonly count: number; readonly variables: readonly string[] } {
  const count = Number(env['LISTEN_FDS'] ?? '');
  if (env['LISTEN_PID'] !== String(pid) || !Number.isInteger(count) || count <= 0) return { count: 0, variables: [] };
  const names = env['LISTEN_FDNAMES'];
  return {
    count,
    variables: [`LISTEN_FDS=${count}`, 'LISTEN_PID=1', ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`])],
  };
}

function withVariables(config: Config, variables: readonly string[]): Config {
  if (config.process === undefined || variables.length === 0) return config;
  return { ...config, process: { ...config.process, env: [...(config.process.env ?? []), ...variables] } };
}

function withMount(config: Config, mount: NonNullable<Config['mounts']>[number]): Config {
  return { ...config, mounts: [...(config.mounts ?? []), mount] };
}

function pidfdDoing(path: string): { message: string; hint: string } {
  return { message: `connect to the pidfd socket "${path}"`, hint: 'somebody must listen there' };
}

/** "standard" is runc's word for the pidfd of an init. */
export function sendPidfd(socket: number, pid: number, path: string, kind: 'standard' | 'setns' = 'standard'): void {
  const pidfd = pidfdOpen(pid);
  if (pidfd < 0) fail({ code: 'system', message: `open process ${pid}`, syscall: 'pidfd_open', errno: -pidfd });
  try {
    sendDescriptor({ message: `send the pidfd to the socket "${path}"` }, socket, kind, pidfd);
  } finally {
    syscall('close', pidfd);
  }
}
