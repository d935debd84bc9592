// update: changes the limits of a container that runs, and remembers them.

import { controllersIn, versionFinder } from '../cgroup/controllers.ts';
import { type DevicePolicy, devicePolicy } from '../cgroup/device-rules.ts';
import { updateDevices } from '../cgroup/device-update.ts';
import { applyWrites, type Restoration, restore } from '../cgroup/resources/apply.ts';
import { ignoredResources, resourceWrites } from '../cgroup/resources/index.ts';
import { checkMemoryUsage } from '../cgroup/resources/memory-usage.ts';
import { updateScope } from '../cgroup/systemd/scope.ts';
import { limitsOfScope } from '../cgroup/systemd/scope-limits.ts';
import { fail } from '../error.ts';
import type { Log } from '../log.ts';
import { changeClass } from '../resctrl/class.ts';
import type { IntelRdt, LinuxResources } from '../spec/generated/types.ts';
import { affectedResources, completeChange, endIdleness, mergeResources } from './resource-change.ts';
import { type Named, requireRecord, statusOf } from './state.ts';
import { type ContainerRecord, writeRecord } from './store.ts';

export interface UpdateOptions extends Named {
  /** Fits the schema. */
  readonly resources: LinuxResources;
  /** By pointers into a config (`/linux/resources/…`). */
  readonly exactInteger?: (pointer: string) => bigint | undefined;
  /** For the class of linux.intelRdt. */
  readonly schemas?: Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>;
  readonly log: Log;
}

/** Throws `status`, and what resourceWrites and applyWrites throw; then all is as it was, in the kernel and in the record. */
export function updateContainer(options: UpdateOptions): void {
  const { root, id, log } = options;
  const asked = completeChange(options.resources);
  const record = requireRecord({ root, id });
  const status = statusOf(record);
  if (status !== 'created' && status !== 'running' && status !== 'paused')
    fail({ code: 'status', message: `container not running: the limits of "${id}" cannot be changed (${status})` });
  const before = record.resources ?? {};
  const resources = record.scope === undefined ? asked : endIdleness(before, asked);
  const entries = record.cgroups.cgroups;
  const unified = entries.find(({ version }) => version === 2);
  const context = versionFinder(entries, () => (unified === undefined ? [] : controllersIn(unified.path)));
  const affected = affectedResources(before, resources);
  const { exactInteger } = options;
  const planned = {
    writes: resourceWrites(affected, {
      ...context,
      isUpdate: true,
      ...(exactInteger === undefined ? {} : { exactInteger }),
    }),
    warnings: ignoredResources(resources),
  };
  const { writes, warnings } = record.scope === undefined ? planned : limitsOfScope(planned);
  for (const { message, pointer } of warnings) log.warning(`${message} [${pointer}]`);
  const merged = mergeResources(before, resources);
  if (unified !== undefined && context.isUnified) checkMemoryUsage(affected, merged, unified.path);
  const restorations: Restoration[] = [];
  let undoDevices = (): void => {};
  let undoClass = (): void => {};
  try {
    applyWrites(writes, { entries, restorations });
    const policy = changedPolicy(record, resources);
    if (policy !== undefined) undoDevices = changeDevices(record, policy);
    // What systemd is not told it would undo at its next daemon-reload.
    if (record.scope !== undefined) {
      updateScope(record.scope, record.cgroups, { limits: writes, policy });
      // systemd has written it, too: without a quota the default period, and what is unified in whole percents.
      applyWrites(
        writes.filter(({ file }) => file === 'cpu.max'),
        { entries },
      );
    }
    if (options.schemas !== undefined) undoClass = changeSchemas(record, options.schemas);
    writeRecord(root, { ...record, resources: merged });
  } catch (error) {
    undoAll(restorations, [undoDevices, undoClass], log);
    throw error;
  }
}

/**
 * The policy that is in force already is left alone: engines send it along with every update, and others may have added to it since
 * (runc never touches devices here).
 */
function changedPolicy(record: ContainerRecord, { devices }: LinuxResources): DevicePolicy | undefined {
  const before = record.resources?.devices ?? [];
  return devices === undefined || JSON.stringify(devices) === JSON.stringify(before)
    ? undefined
    : devicePolicy(devices);
}

/** Returns what undoes it. */
function changeDevices({ cgroups, resources }: ContainerRecord, wanted: DevicePolicy): () => void {
  const old = devicePolicy(resources?.devices ?? []);
  updateDevices(cgroups, old, wanted);
  return () => updateDevices(cgroups, wanted, old);
}

function changeSchemas(
  { id, resourceClass }: ContainerRecord,
  schemas: NonNullable<UpdateOptions['schemas']>,
): () => void {
  if (resourceClass === undefined)
    fail({
      code: 'status',
      message: `updating a non-existent Intel RDT configuration is not supported: container "${id}" is in no class`,
      hint: 'linux.intelRdt of its config puts it into one',
    });
  return changeClass(resourceClass, schemas);
}

function undoAll(restorations: readonly Restoration[], undoOthers: readonly (() => void)[], log: Log): void {
  const failures: unknown[] = [...restore(restorations)];
  for (const undo of undoOthers)
    try {
      undo();
    } catch (error) {
      failures.push(error);
    }
  for (const error of failures) {
    const message = error instanceof Error ? error.message : String(error);
    log.warning(`set back a limit after the update failed: ${message}; the container's state may be inconsistent`);
  }
}
