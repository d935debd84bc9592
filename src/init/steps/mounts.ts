// The config's `mounts`, in their order. Everything is made detached, with its attributes, and then put on an open
// directory or file of the container's root: no path is resolved twice, no mount is writable for a moment (H12).

import { pointer } from '../../json-pointer.ts';
import { ERRNO } from '../../linux/errno.ts';
import { MOUNT_ATTR_RDONLY, PROC_SUPER_MAGIC, RESOLVE_NO_SYMLINKS } from '../../linux/mount-constants.ts';
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
  openInRoot,
  type StepContext,
  setAttributes,
} from './context.ts';
import { makeFileSystem } from './file-system.ts';
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
    if (index % 100 === 99 && hasOwnMounts(inputs)) closeLeftovers(context);
  });
}

function stepOf(mount: Mount, prepared: PreparedMount, index: number): Step {
  const options = mount.options ?? [];
  const suffix = options.length === 0 ? '' : ` (${options.join(',')})`;
  const what = prepared.kind === 'bind' ? `bind ${mount.source}` : `mount ${mount.type ?? mount.source}`;
  return { sentence: `${what} on ${mount.destination}${suffix}`, pointer: pointer('mounts', index) };
}

function mountOne(context: StepContext, mount: Mount, prepared: PreparedMount, step: Step): void {
  const { plan } = context;
  const options = parseMountOptions(mount.options ?? []);
  if (prepared.kind === 'bind' || prepared.kind === 'copyUp') {
    const tree = descriptor(plan, prepared.tree);
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
    setPropagation(context, tree, options);
    return;
  }
  plan.withSlot((made) => {
    const type = prepared.kind === 'filesystem' ? prepared.type : prepared.kind === 'cgroup2' ? 'cgroup2' : 'tmpfs';
    const data = prepared.kind === 'cgroup1' ? ['mode=755'] : options.superblock;
    const later = isReadOnlyLater(type, prepared.destination);
    makeFileSystem(context, {
      type,
      ...(mount.source === undefined ? {} : { source: mount.source }),
      data,
      optionStep: (option) => {
        const index = (mount.options ?? []).indexOf(option);
        // The mode of the tmpfs that holds the v1 hierarchies is runt's own choice.
        if (index === -1) return step;
        return {
          sentence: `${step.sentence}: the option ${JSON.stringify(option)}`,
          pointer: (step.pointer ?? '') + pointer('options', index),
          hint: `${type} does not know it, or not this value`,
        };
      },
      attributes: later ? options.attributes.set & ~MOUNT_ATTR_RDONLY : options.attributes.set,
      result: made,
    });
    if (prepared.kind === 'filesystem' && takesModeOfDirectory(type, mount.options ?? []))
      takeModeOfDirectory(context, prepared.destination, made);
    plan.withSlot((target) => {
      openMountPoint(context, type, prepared, target, step);
      attach(plan, plan.slotRef(made), plan.slotRef(target));
    });
    if (options.recursiveAttributes !== undefined) {
      setAttributes(plan, plan.slotRef(made), { ...options.recursiveAttributes, recursive: true });
    }
    setPropagation(context, plan.slotRef(made), options);
    if (prepared.kind === 'cgroup1') mountCgroup1(context, prepared.hierarchies, options.attributes.set, made);
  });
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

/** What may be put below /proc: files that lxcfs and the like emulate (the list is runc's). */
const ALLOWED_IN_PROC = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]);

export function mayBeMountedOn(destination: string): boolean {
  return !destination.startsWith('/proc/') || ALLOWED_IN_PROC.has(destination);
}

/** Fails if the open target turned out to lie in a procfs, by a link or whatever: masks and writes of runt rely on it (CVE-2019-16884). */
function refuseProc({ plan }: StepContext, destination: string, target: Slot, step: Step): void {
  if (ALLOWED_IN_PROC.has(destination)) return;
  const status = plan.variable(STATFS_SIZE, '{statfs}');
  const fine = plan.label();
  plan.call('fstatfs', [plan.slotRef(target), status]);
  plan.withSlot((type) => {
    plan.load(type, status, 8);
    plan.branch(type, 'notEqual', PROC_SUPER_MAGIC, fine);
  });
  const refusal = {
    ...step,
    sentence: `${step.sentence}: it lies inside /proc`,
    hint: 'a link of the image leads there (CVE-2019-16884)',
  };
  plan.step(refusal, () => plan.fail(ERRNO.EPERM));
  plan.place(fine);
}
/** sizeof(struct statfs) on 64-bit machines. */
const STATFS_SIZE = 120;

function setPropagation({ plan }: StepContext, mount: Argument, options: MountOptions): void {
  for (const { flag, recursive } of options.propagation) setAttributes(plan, mount, { propagation: flag, recursive });
}

/** As in runc: later mounts may need a mount point in a tmpfs, devices one in /dev; so these become read-only at the end. */
function isReadOnlyLater(type: string, destination: string): boolean {
  return type === 'tmpfs' || destination === '/dev';
}

/** What `isReadOnlyLater` has put off. */
export function makeMountsReadOnly(context: StepContext): void {
  const { plan, config, inputs } = context;
  inputs.mounts.forEach((prepared, index) => {
    if (prepared.kind === 'bind' || prepared.kind === 'cgroup2') return;
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
