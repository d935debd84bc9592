// linux.netDevices (config-linux.md, "Network Devices"): network devices of the host move into the container's network namespace, with their
// permanent, global addresses. When the namespace ends the kernel gives physical devices back, and removes others. Loaded only where a config asks for it.

import { fstatSync, statSync } from 'node:fs';
import { fail } from '../error.ts';
import { pointer } from '../json-pointer.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../linux/mount-constants.ts';
import { type RouteSocket, routeSocket, routeSocketIn } from '../linux/netlink-socket.ts';
import {
  type Address,
  addAddress,
  getLink,
  IFA_F_PERMANENT,
  IFF_UP,
  type Link,
  listAddresses,
  listLinks,
  moveLink,
  RT_SCOPE_UNIVERSE,
  setLinkUp,
} from '../linux/rtnetlink.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { Log } from '../log.ts';
import type { Config } from '../spec/generated/types.ts';
import { isHostRoot } from './privileges.ts';

/** Throws `config`, `unsupported`; changes nothing. */
export function checkNetworkDevices(config: Config, isRoot = isHostRoot()): void {
  const at = '/linux/netDevices';
  if (config.linux?.namespaces?.some(({ type }) => type === 'network') !== true) {
    fail({
      code: 'config',
      message: 'unable to move network devices without a NET namespace',
      pointer: at,
      hint: 'add {"type": "network"} to linux.namespaces',
    });
  }
  if (!isRoot) {
    fail({
      code: 'unsupported',
      message: 'network devices are not supported for rootless containers',
      pointer: at,
      hint: 'moving one takes CAP_NET_ADMIN in the network namespace of the host',
    });
  }
}

export interface MovedDevices {
  /** Gives back what was moved, as it was; what can't be is told as a warning. */
  restore(log: Log): void;
  close(): void;
}

/** One side of a move. */
interface Side {
  readonly socket: RouteSocket;
  /** A descriptor of the network namespace. */
  readonly namespace: number;
  /** Whoever is in it already may have put another device in the place of the one that was moved. */
  readonly isJoined: boolean;
}

interface Moved {
  /** On the host. */
  readonly name: string;
  /** In the container. */
  readonly link: Link;
  readonly wasUp: boolean;
  readonly addresses: readonly Address[];
}

/**
 * Moves the config's devices into the network namespace of the process, and sets them up. Throws `system`, `config`, with the device's name and
 * pointer; then they are back where they were.
 */
export function moveNetworkDevices({ linux }: Config, pid: number, log: Log): MovedDevices {
  const open: (() => void)[] = [];
  const moved: Moved[] = [];
  const close = (): void => {
    for (const each of open.splice(0)) each();
  };
  try {
    const isJoined = linux?.namespaces?.some(({ type, path }) => type === 'network' && path !== undefined) === true;
    const host = { ...sideOf('/proc/thread-self/ns/net', open, routeSocket), isJoined: false };
    const container = { ...sideOf(`/proc/${pid}/ns/net`, open, routeSocketIn), isJoined };
    refuseOwnNamespace(container.namespace);
    const restore = (to: Log): void => {
      for (const device of moved.splice(0).reverse()) giveBack(device, container, host, to);
    };
    try {
      for (const [name, { name: renamed = '' }] of Object.entries(linux?.netDevices ?? {}))
        moved.push(move({ name, newName: renamed === '' ? name : renamed, host, container, log }));
      for (const { name, link, addresses } of moved) configure(container, { name, link, addresses, isUp: true });
    } catch (error) {
      restore(log);
      throw error;
    }
    return { restore, close };
  } catch (error) {
    close();
    throw error;
  }
}

function sideOf(
  path: string,
  open: (() => void)[],
  socketIn: (namespace: number) => RouteSocket,
): Omit<Side, 'isJoined'> {
  const doing = { message: `open the network namespace ${path}`, pointer: '/linux/netDevices' };
  const namespace = mustSyscall(doing, 'openat', AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  open.push(() => void syscall('close', namespace));
  const socket = socketIn(namespace);
  open.push(socket.close);
  return { socket, namespace };
}

/** A namespace to join may be the host's by another name. */
function refuseOwnNamespace(namespace: number): void {
  if (fstatSync(namespace).ino !== statSync('/proc/thread-self/ns/net').ino) return;
  fail({
    code: 'config',
    message: "network devices can't be moved: the container's network namespace is the runtime's own",
    pointer: '/linux/netDevices',
  });
}

function links(socket: RouteSocket, pointer: string): Link[] {
  const doing = { message: 'list network devices', pointer };
  return socket
    .request(listLinks(), 'RTM_GETLINK', doing)
    .flatMap((reply) => (reply.kind === 'link' ? [reply.link] : []));
}

/** The addresses that are the device's own wherever it is: no that came by themselves, or mean something on this host only. */
function lastingAddresses(socket: RouteSocket, index: number, pointer: string): Address[] {
  const doing = { message: 'list the addresses of network devices', pointer };
  return socket.request(listAddresses(), 'RTM_GETADDR', doing).flatMap((reply) => {
    if (reply.kind !== 'address' || reply.address.index !== index) return [];
    const { flags, scope } = reply.address;
    return (flags & IFA_F_PERMANENT) !== 0 && scope === RT_SCOPE_UNIVERSE ? [reply.address] : [];
  });
}

interface Move {
  readonly name: string;
  readonly newName: string;
  readonly host: Side;
  readonly container: Side;
  readonly log: Log;
}

function move({ name, newName, host, container, log }: Move): Moved {
  const at = pointer('linux', 'netDevices', name);
  const missing = { message: `link not found for interface "${name}" on runtime namespace`, pointer: at };
  const [found] = host.socket.request(getLink(name), 'RTM_GETLINK', missing);
  // By a second name it would lose that on the way.
  if (found?.kind !== 'link' || found.link.name !== name) return fail({ code: 'config', ...missing });
  const { index, flags } = found.link;
  // Read first: those of IPv6 go when a device is set down, as the kernel does before it moves one.
  const addresses = lastingAddresses(host.socket, index, at);
  const before = links(container.socket, at);
  const doing = {
    message: `move the network device "${name}" into the container's network namespace${name === newName ? '' : ` as "${newName}"`}`,
    pointer: name === newName ? at : `${at}/name`,
  };
  if (before.some((link) => link.name === newName))
    fail({ code: 'config', ...doing, message: `${doing.message}: a device of that name is there already` });
  const wasUp = (flags & IFF_UP) !== 0;
  try {
    host.socket.request(moveLink(index, container.namespace, newName), 'RTM_NEWLINK', doing);
  } catch (error) {
    // The kernel moves first and renames then: where the new name was taken meanwhile the device is there by its old one.
    const link = arrived(before, links(container.socket, at), name);
    if (link !== undefined) giveBack({ name, link, wasUp, addresses }, container, host, log);
    throw error;
  }
  const link = arrived(before, links(container.socket, at), newName);
  if (link === undefined) return fail({ code: 'system', message: `${doing.message}: it is not there`, pointer: at });
  return { name, link, wasUp, addresses };
}

/** The one of this name that was not there before. Of a name like `eth%d` the kernel has chosen a part. */
function arrived(before: readonly Link[], after: readonly Link[], name: string): Link | undefined {
  const known = new Set(before.map(({ index }) => index));
  const [start = '', end] = name.split('%d');
  if (end === undefined) return after.find((link) => !known.has(link.index) && link.name === name);
  return after.find((link) => !known.has(link.index) && link.name.startsWith(start) && link.name.endsWith(end));
}

interface Configuration {
  /** That the config has. */
  readonly name: string;
  readonly link: Link;
  readonly addresses: readonly Address[];
  readonly isUp: boolean;
}

function configure({ socket }: Side, { name, link, addresses, isUp }: Configuration): void {
  const at = pointer('linux', 'netDevices', name);
  for (const address of addresses) {
    const doing = { message: `give the network device "${link.name}" its address back`, pointer: at };
    socket.request(addAddress(link.index, address), 'RTM_NEWADDR', doing);
  }
  if (!isUp) return;
  const doing = { message: `set the network device "${link.name}" up`, pointer: at };
  socket.request(setLinkUp(link.index), 'RTM_NEWLINK', doing);
}

function giveBack({ name, link, addresses, wasUp }: Moved, container: Side, host: Side, log: Log): void {
  const message = `give the network device "${name}" back to the host`;
  if (container.isJoined) {
    log.warning(`${message}: it stays in the network namespace that was joined`);
    return;
  }
  try {
    const before = links(host.socket, '/linux/netDevices');
    container.socket.request(moveLink(link.index, host.namespace, name), 'RTM_NEWLINK', { message });
    const back = arrived(before, links(host.socket, '/linux/netDevices'), name);
    if (back !== undefined) configure(host, { name, link: back, addresses, isUp: wasUp });
  } catch (error) {
    log.warning(error instanceof Error ? error.message : message);
  }
}
