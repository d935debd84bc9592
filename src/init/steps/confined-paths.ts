// maskedPaths and readonlyPaths (config-linux.md). Each path is opened once in the container's root; what is put there comes from
// descriptors of the host, never from the container's own /dev/null (CVE-2025-31133).

import { pointer } from '../../json-pointer.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/mount-constants.ts';
import { cleanPath } from '../../linux/paths.ts';
import type { Slot } from '../plan.ts';
import { attach, openInRoot, type StepContext, setAttributes } from './context.ts';
import { makeFileSystem } from './file-system.ts';

export function maskPaths(context: StepContext): void {
  const { plan, config } = context;
  const masked = config.linux?.maskedPaths ?? [];
  if (masked.length === 0) return;
  plan.section('masked and read-only paths');
  const nothing = plan.slot('an empty directory');
  const nullDevice = plan.slot('/dev/null');
  plan.step({ sentence: 'prepare what masks paths', pointer: '/linux/maskedPaths' }, () => {
    const flags = plan.value(O_PATH | O_CLOEXEC, 'O_PATH|O_CLOEXEC');
    plan.call('openat', [plan.value(AT_FDCWD, 'AT_FDCWD'), '/dev/null', flags, 0], { result: nullDevice });
    makeFileSystem(context, {
      type: 'tmpfs',
      source: 'tmpfs',
      data: ['nr_blocks=1', 'nr_inodes=1'],
      attributes: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
      result: nothing,
    });
    // Only an attached mount can be copied (Linux before 6.15): for a while it lies on the root. Not on the old one: that may be shared with the host.
    attach(plan, plan.slotRef(nothing), context.root);
  });
  [...new Set(masked.map(cleanPath))].forEach((path) => {
    const index = masked.findIndex((other) => cleanPath(other) === path);
    plan.step({ sentence: `mask ${path}`, pointer: pointer('linux', 'maskedPaths', index) }, () => {
      mask(context, path, nothing, nullDevice);
    });
  });
  plan.step({ sentence: 'put away what masks paths' }, () => {
    // Of what lies on the directory, the last: umount2(2) looks "." up like that (LOOKUP_MOUNTPOINT in fs/namei.c).
    plan.call('fchdir', [context.root]);
    plan.call('umount2', ['.', plan.value(MNT_DETACH, 'MNT_DETACH')]);
  });
  plan.free(nothing);
  plan.free(nullDevice);
}

function mask(context: StepContext, path: string, nothing: Slot, nullDevice: Slot): void {
  const { plan } = context;
  const isFile = plan.label();
  const put = plan.label();
  const next = plan.label();
  plan.withSlot((target) => {
    plan.withSlot((copy) => {
      openInRoot(context, path, { flags: O_DIRECTORY, result: target, on: { ENOENT: next, ENOTDIR: isFile } });
      copyOf(context, nothing, copy, false);
      plan.jump(put);
      plan.place(isFile);
      openInRoot(context, path, { flags: 0, result: target, on: { ENOENT: next, ENOTDIR: next } });
      copyOf(context, nullDevice, copy, false);
      plan.place(put);
      attach(plan, plan.slotRef(copy), plan.slotRef(target));
      plan.place(next);
    });
  });
}

function copyOf({ plan }: StepContext, mount: Slot, copy: Slot, recursive: boolean): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  const text = `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH${recursive ? '|AT_RECURSIVE' : ''}`;
  plan.call('open_tree', [plan.slotRef(mount), '', plan.value(flags, text)], { result: copy });
}

export function makePathsReadOnly(context: StepContext): void {
  const { plan, config } = context;
  (config.linux?.readonlyPaths ?? []).forEach((path, index) => {
    plan.step({ sentence: `make ${path} read-only`, pointer: pointer('linux', 'readonlyPaths', index) }, () => {
      const next = plan.label();
      plan.withSlot((target) => {
        plan.withSlot((copy) => {
          openInRoot(context, cleanPath(path), { flags: 0, result: target, on: { ENOENT: next, ENOTDIR: next } });
          copyOf(context, target, copy, true);
          setAttributes(plan, plan.slotRef(copy), { set: MOUNT_ATTR_RDONLY });
          attach(plan, plan.slotRef(copy), plan.slotRef(target));
        });
      });
      plan.place(next);
    });
  });
}
