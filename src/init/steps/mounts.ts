// The config's `mounts`, in their order. Everything is made detached, with its attributes, and then put on an open
// directory or file of the container's root: no path is resolved twice, no mount is writable for a moment (H12).

import { pointer } from '../../json-pointer.ts';
import { MOUNT_ATTR_RDONLY, O_CLOEXEC, RESOLVE_NO_SYMLINKS } from '../../linux/mount-constants.ts';
import { type MountOptions, parseMountOptions } from '../../linux/mount-options.ts';
import type { Mount } from '../../spec/generated/types.ts';
import type { Argument } from '../builder.ts';
import type { PreparedMount } from '../inputs.ts';
import type { Slot, Step } from '../plan.ts';
import { mountCgroup1 } from './cgroup-mount.ts';
import {
  attach,
  descriptor,
  ensureDirectory,
  ensureFile,
  mapIds,
  openInRoot,
  type StepContext,
  setAttributes,
} from './context.ts';
import { makeFileSystem } from './file-system.ts';
import { refuseProc } from './guarded-proc.ts';
import { mountHostBind } from './host-bind.ts';
import { mountInnerBind } from './inner-bind.ts';
import { closeLeftovers } from './kept-descriptors.ts';
import { hasOwnMounts } from './root.ts';
import { takeModeOfDirectory, takesModeOfDirectory } from './tmpfs-mode.ts';

export function mountAll(context: StepContext): void {
  const { plan, config, inputs } = context;
  const mounts = config.mounts ?? [];
  if (mounts.length > 0) plan.section('mounts');
  inputs.mounts.forEach((prepared, index) => {
    const mount = mounts[index];
    if (mount !== undefined) {
      const step = stepOf(mount, prepared, index);
      plan.step(step, () => mountOne(context, mount, prepared, step));
    }
    // Each has left two or three descriptors open.
    if (index % 100 === 99 && hasOwnMounts(inputs)) {
      plan.step({ sentence: 'close the descriptors of the last 100 mounts' }, () => closeLeftovers(context));
    }
  });
}

function stepOf(mount: Mount, prepared: PreparedMount, index: number): Step {
  const options = mount.options ?? [];
  const suffix = options.length === 0 ? '' : ` (${options.join(',')})`;
  const isBind = prepared.kind === 'bind' || prepared.kind === 'hostBind' || prepared.kind === 'innerBind';
  const what = isBind ? `bind ${mount.source}` : `mount ${mount.type ?? mount.source}`;
  return { sentence: `${what} on ${mount.destination}${suffix}`, pointer: pointer('mounts', index) };
}

function mountOne(context: StepContext, mount: Mount, prepared: PreparedMount, step: Step): void {
  const { plan } = context;
  const options = parseMountOptions(mount.options ?? []);
  if (prepared.kind === 'innerBind') {
    mountInnerBind(context, prepared, step, (tree) => finish(context, prepared, tree, options));
    return;
  }
  if (prepared.kind === 'hostBind') {
    mountHostBind(context, prepared, step, (tree) => finish(context, prepared, tree, options));
    return;
  }
  if (prepared.kind === 'bind' || prepared.kind === 'copyUp') {
    const tree = descriptor(plan, prepared.tree);
    if (prepared.idMap !== undefined) mapIds(plan, tree, prepared.idMap);
    plan.withSlot((target) => {
      const { destination, present } = prepared;
      if (prepared.kind === 'copyUp' || prepared.isDirectory)
        ensureDirectory(context, destination, target, { present });
      else ensureFile(context, destination, target, present);
      refuseProc(context, prepared.destination, target, step);
      attach(plan, tree, plan.slotRef(target));
    });
    // The attributes were set when the tree was copied; only what depends on the place is left.
    if (prepared.kind === 'copyUp' && options.recursiveAttributes !== undefined) {
      setAttributes(plan, tree, { ...options.recursiveAttributes, recursive: true });
    }
    finish(context, prepared, tree, options);
    return;
  }
  plan.withSlot((made) => {
    const type = prepared.kind === 'filesystem' ? prepared.type : prepared.kind === 'cgroup2' ? 'cgroup2' : 'tmpfs';
    const data = prepared.kind === 'cgroup1' ? ['mode=755'] : options.superblock;
    const mode = prepared.kind === 'filesystem' ? prepared.mode : undefined;
    const later = isReadOnlyLater(type, prepared.destination);
    makeFileSystem(context, {
      type,
      ...(mount.source === undefined ? {} : { source: mount.source }),
      data: mode === undefined ? data : [...data, `mode=${mode.toString(8)}`],
      optionStep: (option) => optionStep(mount, type, step, option),
      attributes: later ? options.attributes.set & ~MOUNT_ATTR_RDONLY : options.attributes.set,
      result: made,
    });
    if (prepared.kind === 'filesystem' && mode === undefined && takesModeOfDirectory(type, mount.options ?? []))
      takeModeOfDirectory(context, prepared.destination, made);
    // Last: where the mapping has no id for the owner, nothing of the file system could be changed by way of the mount.
    if (prepared.idMap !== undefined) mapIds(plan, plan.slotRef(made), prepared.idMap);
    plan.withSlot((target) => {
      openMountPoint(context, type, prepared, target, step);
      attach(plan, plan.slotRef(made), plan.slotRef(target));
    });
    if (options.recursiveAttributes !== undefined) {
      setAttributes(plan, plan.slotRef(made), { ...options.recursiveAttributes, recursive: true });
    }
    finish(context, prepared, plan.slotRef(made), options);
    if (prepared.kind === 'cgroup1') mountCgroup1(context, prepared.hierarchies, options.attributes.set, made);
  });
}

function optionStep(mount: Mount, type: string, step: Step, option: string): Step {
  const place = (mount.options ?? []).indexOf(option);
  return {
    sentence: `${step.sentence}: the option ${JSON.stringify(option)}`,
    // A flag may have another name in the config than the kernel's.
    pointer: (step.pointer ?? '') + (place === -1 ? '' : pointer('options', place)),
    hint: `${type} does not know it, or not this value`,
  };
}

/** proc and sysfs go on a plain directory only: a link of the image's would bring masks and labels elsewhere (CVE-2019-19921). */
function openMountPoint(
  context: StepContext,
  type: string,
  { destination, present }: PreparedMount,
  target: Slot,
  step: Step,
): void {
  if (type === 'proc' || type === 'sysfs') {
    const open = {
      ...step,
      sentence: `${step.sentence}: it must be mounted on ordinary directory`,
      hint: 'a link or a file of the image is there (CVE-2019-19921)',
    };
    context.plan.step(open, () =>
      ensureDirectory(context, destination, target, { present, resolve: RESOLVE_NO_SYMLINKS }),
    );
    // Nothing can have led to a procfs but the path itself, which is known.
    return;
  }
  ensureDirectory(context, destination, target, { present });
  refuseProc(context, destination, target, step);
}

/** What depends on where the mount is. */
function finish(
  { plan, root }: StepContext,
  { destination }: PreparedMount,
  mount: Argument,
  options: MountOptions,
): void {
  for (const { flag, recursive } of options.propagation) setAttributes(plan, mount, { propagation: flag, recursive });
  // What lies on the root is the root from now on: all that follows is resolved in it, and at the end it is what init enters.
  if (destination === '/') plan.call('dup3', [mount, root, plan.value(O_CLOEXEC, 'O_CLOEXEC')]);
}

/** As in runc: later mounts may need a mount point in a tmpfs, devices one in /dev; so these become read-only at the end. */
function isReadOnlyLater(type: string, destination: string): boolean {
  return type === 'tmpfs' || destination === '/dev';
}

/** What `isReadOnlyLater` has put off. */
export function makeMountsReadOnly(context: StepContext): void {
  const { plan, config, inputs } = context;
  inputs.mounts.forEach((prepared, index) => {
    if (!('type' in prepared || prepared.kind === 'copyUp' || prepared.kind === 'cgroup1')) return;
    const type = prepared.kind === 'filesystem' ? prepared.type : 'tmpfs';
    const { attributes } = parseMountOptions(config.mounts?.[index]?.options ?? []);
    if (!isReadOnlyLater(type, prepared.destination) || (attributes.set & MOUNT_ATTR_RDONLY) === 0) return;
    plan.step({ sentence: `make ${prepared.destination} read-only`, pointer: pointer('mounts', index) }, () => {
      plan.withSlot((mount) => {
        openInRoot(context, prepared.destination, { flags: 0, result: mount });
        setAttributes(plan, plan.slotRef(mount), { set: MOUNT_ATTR_RDONLY });
      });
    });
  });
}
