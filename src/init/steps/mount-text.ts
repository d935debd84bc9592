// A new file system by mount(2): fsconfig(2) takes a value of at most 255 bytes, mount(2) a page of options. An overlay of many layers needs it.
//
// mount(2) attaches what it makes. So it is made in a tmpfs that lies on the container's root for that long, in a directory that nobody else has
// ever seen, and a detached copy is taken from there, as fsmount(2) would have given it.

import { MNT_DETACH, MOUNT_ATTR__ATIME, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../../linux/mount-constants.ts';
import { LONGEST_OPTION } from '../../linux/mount-options.ts';
import type { Slot } from '../plan.ts';
import { attach, type StepContext, setAttributes } from './context.ts';
import type { FileSystem } from './file-system.ts';

/** Flags of the file system that are no text for mount(2) (MS_*). */
const FLAGS: Readonly<Record<string, number>> = { sync: 1 << 4, mand: 1 << 6, dirsync: 1 << 7, lazytime: 1 << 25 };

/** Whether fsconfig(2) would not take it. */
export function needsMountText({ source = '', data }: FileSystem): boolean {
  return isLong(source) || data.some((option) => isLong(option) && isLong(option.slice(option.indexOf('=') + 1)));
}

function isLong(text: string): boolean {
  // A unit of UTF-16 has three bytes at most: they are counted only where it matters.
  return text.length * 3 > LONGEST_OPTION && Buffer.byteLength(text) > LONGEST_OPTION;
}

/** `makeStage`: a new tmpfs. */
export function mountByText(context: StepContext, fileSystem: FileSystem, makeStage: (result: Slot) => void): void {
  const { plan, root } = context;
  const { type, source, data, attributes, result } = fileSystem;
  const label = context.inputs.labels?.mountOption(type, data);
  const options = [...data.filter((word) => !Object.hasOwn(FLAGS, word)), ...(label === undefined ? [] : [label])];
  const flags = data.reduce((bits, word) => bits | (Object.hasOwn(FLAGS, word) ? (FLAGS[word] ?? 0) : 0), 0);
  const names = data.filter((word) => Object.hasOwn(FLAGS, word)).map((word) => `MS_${word.toUpperCase()}`);
  const detach = plan.value(MNT_DETACH, 'MNT_DETACH');
  plan.withSlot((stage) => {
    makeStage(stage);
    attach(plan, plan.slotRef(stage), root);
    plan.call('fchdir', [plan.slotRef(stage)]);
    plan.call('mkdirat', [plan.slotRef(stage), 'made', plan.value(0o700, '0700')]);
    const text = flags === 0 ? 0 : plan.value(flags, names.join('|'));
    plan.call('mount', [source ?? type, 'made', type, text, options.join(',')]);
    const clone = plan.value(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 'OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC');
    plan.call('open_tree', [plan.slotRef(stage), 'made', clone], { result });
    plan.call('umount2', ['made', detach]);
    // Of what lies on the directory, the last (LOOKUP_MOUNTPOINT in fs/namei.c).
    plan.call('fchdir', [root]);
    plan.call('umount2', ['.', detach]);
    plan.call('chdir', ['/']);
  });
  const clear = (attributes & MOUNT_ATTR__ATIME) === 0 ? 0 : MOUNT_ATTR__ATIME;
  if (attributes !== 0) setAttributes(plan, plan.slotRef(result), { set: attributes, clear });
}
