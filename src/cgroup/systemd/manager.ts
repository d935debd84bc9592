// What systemd is asked for (org.freedesktop.systemd1(5)): scopes started, changed and stopped, by a few calls that each have a time-out.

import { existsSync } from 'node:fs';
import { fail } from '../../error.ts';
import { type Bus, type BusFailure, connect } from '../../linux/sd-bus.ts';
import type { UnitProperty } from './properties.ts';
import { unitObject } from './unit.ts';

/** Where a manager is spoken to. Plain JSON; part of state.json. */
export interface ManagerAddress {
  /** `user`: the manager of a user's session, for callers that are not root on the host. */
  readonly manager: 'system' | 'user';
  /** D-Bus addresses to be tried, in order. */
  readonly addresses: readonly string[];
}

export interface Manager {
  /** 252. */
  readonly version: number;
  /** The manager's own cgroup: empty, or `/user.slice/user-1000.slice/user@1000.service`. */
  readonly controlGroup: string;
  /** Returns when the scope is there and its processes are in it. Throws `cgroup`. */
  startScope(unit: string, properties: readonly UnitProperty[]): void;
  /** A property of a unit that is a string; undefined where there is no such unit. */
  unitText(unit: string, scope: 'Unit' | 'Scope', name: string): string | undefined;
  /** Until the next boot or the unit's end. Throws `cgroup`. */
  setProperties(unit: string, properties: readonly UnitProperty[]): void;
  /** Returns when the unit is gone; one that does not exist is fine. Throws `cgroup`. */
  stop(unit: string): void;
  close(): void;
}

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';
/** Where systemd itself listens to root, for hosts without a message bus. */
const PRIVATE = 'unix:path=/run/systemd/private';
const SERVICE = 'org.freedesktop.systemd1';
const OBJECT = '/org/freedesktop/systemd1';
const EXISTS = `${SERVICE}.UnitExists`;
const MANAGER = `${SERVICE}.Manager`;

/** Milliseconds for an answer, and for a job. */
const ANSWER = 30_000;
const JOB = 30_000;

export interface Surroundings {
  readonly uid: number;
  readonly environment: {
    readonly DBUS_SESSION_BUS_ADDRESS?: string | undefined;
    readonly XDG_RUNTIME_DIR?: string | undefined;
  };
}

/** Throws `config` for a bus address that is no socket: other kinds start programs or leave the host. */
export function managerAddress(manager: 'system' | 'user', { uid, environment }: Surroundings): ManagerAddress {
  if (manager === 'system') return { manager, addresses: [SYSTEM_BUS, PRIVATE] };
  const given = environment.DBUS_SESSION_BUS_ADDRESS;
  if (given !== undefined && given !== '') {
    if (/^unix:[^;]*$/.test(given)) return { manager, addresses: [given] };
    fail({
      code: 'usage',
      message: `DBUS_SESSION_BUS_ADDRESS=${given}: only one unix: address is understood`,
      hint: 'set it to unix:path=/run/user/UID/bus',
    });
  }
  const directory = environment.XDG_RUNTIME_DIR;
  const path = directory === undefined || directory === '' ? `/run/user/${uid}` : directory;
  return { manager, addresses: [`unix:path=${escapeAddress(path)}/bus`] };
}

/** D-Bus specification, "Server Addresses": all but these is written as % and two hex digits. */
function escapeAddress(path: string): string {
  const plain = /[-0-9A-Za-z_/.*\\]/;
  return [...Buffer.from(path)]
    .map((byte) => String.fromCharCode(byte))
    .map((character) =>
      plain.test(character) ? character : `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    .join('');
}

/** Throws `host` where systemd can't be reached, with what to do. */
export function openManager(address: ManagerAddress): Manager {
  const bus = open(address);
  try {
    const text = (name: string): string => {
      const reply = bus.call(property(OBJECT, MANAGER, name), ANSWER, 'vs');
      if ('failure' in reply) return unreachable(address, `ask systemd for its ${name}`, reply.failure);
      return String(reply.value);
    };
    const version = Number(/\d+/.exec(text('Version'))?.[0] ?? '0');
    const controlGroup = text('ControlGroup').replace(/\/$/, '');
    return {
      version,
      controlGroup,
      startScope: (unit, properties) => startScope(bus, unit, properties),
      unitText: (unit, scope, name) => {
        const reply = bus.call(property(unitObject(unit), `${SERVICE}.${scope}`, name), ANSWER, 'vs');
        return 'failure' in reply ? undefined : String(reply.value);
      },
      setProperties: (unit, properties) => {
        // true: until the next boot at most.
        const body = [unit, true, asVariants(properties)];
        const reply = bus.call({ ...method('SetUnitProperties'), signature: 'sba(sv)', body }, ANSWER);
        if ('failure' in reply) refused(`change the properties of the systemd unit ${unit}`, reply.failure);
      },
      stop: (unit) => stop(bus, unit),
      close: () => bus.close(),
    };
  } catch (error) {
    bus.close();
    throw error;
  }
}

function open(address: ManagerAddress): Bus {
  let errno = 2;
  for (const one of address.addresses) {
    const bus = connect(one, one === PRIVATE);
    if (typeof bus !== 'number') return bus;
    // The first address is the one that is to work.
    if (one === address.addresses[0]) errno = -bus;
  }
  return unreachable(address, 'connect', { name: '', message: '', errno });
}

function unreachable(
  { manager, addresses }: ManagerAddress,
  doing: string,
  { name, message, errno }: BusFailure,
): never {
  const isRunning = existsSync('/run/systemd/system');
  const hint = !isRunning
    ? 'systemd is not running on this host; leave --systemd-cgroup out to manage control groups by file system'
    : manager === 'system'
      ? 'is the message bus (dbus.service) running, and may this user speak to it?'
      : 'is there a user session? log in, or "loginctl enable-linger USER", and set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS';
  return fail({
    code: 'host',
    message:
      `systemd cgroup flag passed, but the ${manager} manager of systemd cannot be reached: ` +
      `${doing} (${addresses[0]})${name === '' ? '' : `: ${name}: ${message}`}`,
    ...(name === '' ? { errno } : {}),
    hint,
  });
}

function method(member: string): { destination: string; path: string; interface: string; member: string } {
  return { destination: SERVICE, path: OBJECT, interface: MANAGER, member };
}

function property(path: string, of: string, name: string) {
  return {
    destination: SERVICE,
    path,
    interface: 'org.freedesktop.DBus.Properties',
    member: 'Get',
    signature: 'ss',
    body: [of, name],
  } as const;
}

function asVariants(properties: readonly UnitProperty[]) {
  return properties.map(({ name, signature, value }) => [name, { signature, value }] as const);
}

function refused(doing: string, { name, message }: BusFailure, hint?: string): never {
  return fail({
    code: 'cgroup',
    // systemd's own sentences end with a full stop, ours go on.
    message: `${doing}: ${name === '' ? message : `${name}: ${message.replace(/\.$/, '')}`}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

function startScope(bus: Bus, unit: string, properties: readonly UnitProperty[]): void {
  const doing = `start the systemd unit ${unit}`;
  listen(bus);
  const start = () =>
    bus.call(
      {
        ...method('StartTransientUnit'),
        signature: 'ssa(sv)a(sa(sv))',
        body: [unit, 'replace', asVariants(properties), []],
      },
      ANSWER,
      'o',
    );
  let reply = start();
  if ('failure' in reply && reply.failure.name === EXISTS) {
    // A failed one of that name may still be known: systemd forgets it then.
    resetFailed(bus, unit);
    reply = start();
  }
  if ('failure' in reply)
    refused(
      doing,
      reply.failure,
      reply.failure.name === EXISTS ? 'is its name (linux.cgroupsPath) given to two containers?' : undefined,
    );
  const result = awaitJob(bus, String(reply.value));
  if (result === 'done') return;
  resetFailed(bus, unit);
  const why = result === undefined ? `no answer within ${JOB / 1000} s` : `the job ended with "${result}"`;
  fail({ code: 'cgroup', message: `${doing}: ${why}`, hint: `see "systemctl status ${unit}" and the journal` });
}

function stop(bus: Bus, unit: string): void {
  const doing = `stop the systemd unit ${unit}`;
  listen(bus);
  const reply = bus.call({ ...method('StopUnit'), signature: 'ss', body: [unit, 'replace'] }, ANSWER, 'o');
  if ('failure' in reply) {
    if (reply.failure.name === `${SERVICE}.NoSuchUnit`) return;
    refused(doing, reply.failure);
  }
  const result = awaitJob(bus, String(reply.value));
  resetFailed(bus, unit);
  if (result !== undefined) return;
  fail({
    code: 'cgroup',
    message: `${doing}: no answer within ${JOB / 1000} s`,
    hint: `see "systemctl status ${unit}" and the journal`,
  });
}

/** systemd tells the end of a job to whoever started it; of a message broker that signal has to be asked for. Without one it comes unasked. */
function listen(bus: Bus): void {
  const rule = `type='signal',sender='${SERVICE}',path='${OBJECT}',interface='${MANAGER}',member='JobRemoved'`;
  bus.call(
    {
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'AddMatch',
      signature: 's',
      body: [rule],
    },
    ANSWER,
  );
}

/** `done`, `failed`, `canceled`, `timeout`, `dependency`, `skipped`; undefined: it did not end in time. */
function awaitJob(bus: Bus, job: string): string | undefined {
  let result: string | undefined;
  bus.waitForSignal(
    { interface: MANAGER, member: 'JobRemoved', signature: 'uoss' },
    ([, path, , how]) => {
      if (path === job) result = String(how);
      return path === job;
    },
    JOB,
  );
  return result;
}

/** A failed unit is kept by systemd until this. One that is none, or does not exist, is no error. */
function resetFailed(bus: Bus, unit: string): void {
  bus.call({ ...method('ResetFailedUnit'), signature: 's', body: [unit] }, ANSWER);
}
