// A container's cgroups, made by systemd: a transient scope whose first process is the launcher, which waits meanwhile.
//
// The scope needs a process to begin with, and its end is that of its last process. So nobody has to look after it: when the runtime is killed
// the launcher ends, and systemd removes the scope. The first record names the unit and what it will be described by; whoever
// finds that record stops the unit only if that description proves it to be the container's.

import { statSync, writeSync } from 'node:fs';
import { fail } from '../../error.ts';
import { type CgroupHandles, createCgroups, refuseUnusable } from '../create.ts';
import type { DevicePolicy } from '../device-rules.ts';
import { attempt } from '../failure.ts';
import type { CgroupHost } from '../host.ts';
import type { Limits } from '../limits.ts';
import { pidsBelow } from '../processes.ts';
import { type CgroupRecord, parentOf, recordCgroups } from '../record.ts';
import { applyWrites } from '../resources/apply.ts';
import type { ResourceWrite } from '../resources/write.ts';
import { annotationProperties } from './annotations.ts';
import { deviceProperties } from './devices.ts';
import { type Manager, type ManagerAddress, openManager } from './manager.ts';
import { type LimitFile, limitProperties, type UnitProperty } from './properties.ts';
import { limitsOfScope } from './scope-limits.ts';
import { type ScopeName, scopeName, slicePath } from './unit.ts';

/** What delete and update need to know. Plain JSON; part of state.json. */
export interface ScopeRecord extends ScopeName, ManagerAddress {
  /** The unit's: proof that it is this container's, and not another one of the same name. */
  readonly description: string;
}

export interface ScopeRequest {
  readonly cgroupsPath: string | undefined;
  readonly id: string;
  /** The state root: two containers of one id have different ones. */
  readonly root: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly address: ManagerAddress;
}

export interface PlannedScope {
  readonly record: ScopeRecord;
  /** Where the cgroups are going to be. */
  readonly cgroups: CgroupRecord;
  /** The limits as a scope can have them. Pure. */
  adapt(limits: Limits): Limits;
  /**
   * Starts the scope with the launcher in it. The handles are of its cgroups, where the launcher is; to be closed. Throws `cgroup`; then the
   * scope may be there all the same.
   */
  start(pid: number, policy: DevicePolicy, limits: readonly LimitFile[]): CgroupHandles;
  /** Sets limits when the scope has been started (`started` are its cgroups), for systemd and in the kernel. Throws `cgroup`. */
  limit(started: CgroupRecord, limits: readonly ResourceWrite[]): void;
  close(): void;
}

/** v1 hierarchies in which systemd makes the cgroups of units. */
const MANAGED = ['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'pids', 'name=systemd', ''];

/** Connects, and looks. Throws `config`, `host`, `unsupported`. */
export function planScope(host: CgroupHost, request: ScopeRequest): PlannedScope {
  const { cgroupsPath, id, root, annotations, address } = request;
  const isV1 = host.hierarchies.some(({ version }) => version === 1);
  if (isV1 && address.manager === 'user')
    fail({
      code: 'unsupported',
      message: '--systemd-cgroup without root privileges needs cgroup v2 alone',
      hint: 'boot with systemd.unified_cgroup_hierarchy=1',
    });
  const name = scopeName(cgroupsPath, id, address.manager);
  const asked = annotationProperties(annotations);
  const record: ScopeRecord = { ...address, ...name, description: `container ${id} of ${root}` };
  const manager = openManager(address);
  const cgroups = recordAt(host, `${managerCgroup(manager)}${slicePath(name.slice)}/${name.unit}`);
  try {
    // systemd would take over what is there, and what fails later would remove it.
    refuseUnusable(cgroups, '/linux/cgroupsPath');
  } catch (error) {
    manager.close();
    throw error;
  }
  return {
    record,
    cgroups,
    adapt: limitsOfScope,
    start: (pid, policy, limits) => {
      const properties = [
        ...scopeProperties(record, pid, isV1),
        ...deviceProperties(policy, host.hierarchies.some(isDevices), manager.version),
        ...limitProperties(limits, manager.version),
        ...asked,
      ];
      return start({ host, manager, record, expected: cgroups, pid, properties });
    },
    limit: (started, limits) => {
      if (limits.length === 0) return;
      applyWrites(limits, { entries: started.cgroups });
      manager.setProperties(record.unit, limitProperties(limits, manager.version));
    },
    close: () => manager.close(),
  };
}

const isDevices = ({ controllers }: { readonly controllers: string }): boolean =>
  controllers.split(',').includes('devices');

/** Since version 226 systemd itself is in init.scope, below its root. */
function managerCgroup({ controlGroup }: Manager): string {
  return controlGroup.replace(/\/init\.scope$/, '');
}

/** What runc gives its scopes. One that has failed is there until the container is deleted: whoever asks systemd why it has ended is told. */
export function scopeProperties(
  { description, slice }: ScopeRecord,
  pid: number,
  isV1: boolean,
): readonly UnitProperty[] {
  const on = (name: string): UnitProperty => ({ name, signature: 'b', value: true });
  return [
    { name: 'Description', signature: 's', value: description },
    { name: 'Slice', signature: 's', value: slice },
    on('Delegate'),
    { name: 'PIDs', signature: 'au', value: [pid] },
    on('MemoryAccounting'),
    on('CPUAccounting'),
    on(isV1 ? 'BlockIOAccounting' : 'IOAccounting'),
    on('TasksAccounting'),
    { name: 'DefaultDependencies', signature: 'b', value: false },
  ];
}

/** `path`: below the mount point of every hierarchy. */
function recordAt(host: CgroupHost, path: string): CgroupRecord {
  const paths = host.hierarchies.map(({ version, controllers, mountPoint }) => ({
    version,
    controllers,
    mountPoint,
    path: mountPoint + path,
  }));
  const { cgroups } = recordCgroups(paths);
  // The slices that systemd has made are its own: they stay.
  return {
    cgroups: cgroups.map((entry) =>
      isManaged(entry.controllers) && entry.existing !== entry.path
        ? { ...entry, existing: parentOf(entry.path) }
        : entry,
    ),
  };
}

const isManaged = (controllers: string): boolean => controllers.split(',').some((name) => MANAGED.includes(name));

interface Start {
  readonly host: CgroupHost;
  readonly manager: Manager;
  readonly record: ScopeRecord;
  readonly expected: CgroupRecord;
  readonly pid: number;
  readonly properties: readonly UnitProperty[];
}

function start({ host, manager, record, expected, pid, properties }: Start): CgroupHandles {
  const { unit } = record;
  manager.startScope(unit, properties);
  const path = manager.unitText(unit, 'Scope', 'ControlGroup') ?? '';
  if (path === '' || path === '/')
    fail({ code: 'cgroup', message: `systemd started ${unit}, but tells no cgroup of it`, hint: 'see the journal' });
  // Only a name that is also one of the kernel's files gets another directory than the expected one.
  const isExpected = host.hierarchies.some(({ mountPoint }) => expected.cgroups[0]?.path === mountPoint + path);
  const found = isExpected ? expected : recordAt(host, path);
  // A scope that systemd has started for this container is the container's, whatever was at its place before.
  const own = found.cgroups.map((entry) =>
    isManaged(entry.controllers) ? { ...entry, existing: parentOf(entry.path) } : entry,
  );
  const present = own.map((entry) => (isThere(entry.path) ? { ...entry, existing: entry.path } : entry));
  const handles = createCgroups({ cgroups: present }, '/linux/cgroupsPath', pid);
  const cgroups = handles.record.cgroups.map((entry, index) => ({
    ...entry,
    existing: own[index]?.existing ?? entry.existing,
  }));
  for (const { controllers, path: directory, fd } of handles.tasks) {
    const entry = cgroups.find((one) => one.controllers === controllers);
    // What systemd does not manage, or did not find worth a cgroup.
    if (entry !== undefined && !pidsBelow(entry).includes(pid))
      attempt(`move the launcher to the cgroup ${directory}`, () => writeSync(fd, String(pid)), '/linux/cgroupsPath');
  }
  const unified = cgroups.find(({ version }) => version === 2);
  if (unified !== undefined && !pidsBelow(unified).includes(pid))
    fail({ code: 'cgroup', message: `systemd started ${unit}, but did not move the launcher to ${unified.path}` });
  return { ...handles, record: { cgroups } };
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Stops the container's unit, with all that is in it, and returns when it is gone. A unit of that name which is somebody else's is left alone.
 * Throws `host`, `cgroup`.
 */
export function stopScope(record: ScopeRecord): void {
  const manager = openManager(record);
  try {
    if (manager.unitText(record.unit, 'Unit', 'Description') === record.description) manager.stop(record.unit);
  } finally {
    manager.close();
  }
}

export interface ScopeChange {
  readonly limits: readonly LimitFile[];
  /** Where the device policy changes. */
  readonly policy: DevicePolicy | undefined;
}

/**
 * Tells systemd what is changed in a running container, besides what is written to the kernel: it keeps a list of devices of its own in force
 * (deviceProperties). Throws `host`, `cgroup`.
 */
export function updateScope(record: ScopeRecord, { cgroups }: CgroupRecord, { limits, policy }: ScopeChange): void {
  const manager = openManager(record);
  try {
    const properties = [
      ...(policy === undefined ? [] : deviceProperties(policy, cgroups.some(isDevices), manager.version)),
      ...limitProperties(limits, manager.version),
    ];
    if (properties.length > 0) manager.setProperties(record.unit, properties);
  } finally {
    manager.close();
  }
}
