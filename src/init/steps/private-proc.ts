// A procfs that has the process in it and lies nowhere, where no mount of a container and no file of an image can be in the way (CVE-2025-52881): made by the process itself, or else the host's own, proven to be one.

import { ERRNO } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../../linux/statx.ts';
import type { Argument } from '../builder.ts';
import type { Where } from '../labels.ts';
import type { Label, Slot } from '../plan.ts';
import { openAt, type ProcessContext } from './context.ts';

/** The inode of a procfs's root (linux/proc_ns.h, PROC_ROOT_INO). */
const PROC_ROOT_INODE = 1;
/** sizeof(struct statfs) on 64-bit machines. */
const STATFS_SIZE = 120;

/** `body` gets a procfs that has the process in it. */
export function withProc(context: ProcessContext, where: Where, pointer: string, body: (proc: Slot) => void): void {
  const { plan } = context;
  plan.withSlot((proc) => {
    const opened = plan.label();
    const denied = plan.label();
    const hint = 'EPERM: in a user namespace it takes a pid namespace that belongs to it';
    plan.step({ sentence: 'mount a private proc for security labels', pointer, hint }, () => {
      mountProc(context, proc, where === 'host' ? { EPERM: denied } : {});
    });
    if (where === 'host') {
      plan.jump(opened);
      plan.place(denied);
      openHostsProc(context, proc, pointer);
      plan.place(opened);
    }
    body(proc);
    plan.step({ sentence: 'put the proc for security labels away' }, () => plan.call('close', [plan.slotRef(proc)]));
  });
}

/** With nothing but processes in it. */
function mountProc({ plan }: ProcessContext, result: Slot, on: { readonly EPERM?: Label }): void {
  plan.withSlot((fs) => {
    const of: Argument = plan.slotRef(fs);
    const set = plan.value(FSCONFIG_SET_STRING, 'FSCONFIG_SET_STRING');
    plan.call('fsopen', ['proc', plan.value(FSOPEN_CLOEXEC, 'FSOPEN_CLOEXEC')], { result: fs, on });
    plan.call('fsconfig', [of, set, 'subset', 'pid', 0]);
    plan.call('fsconfig', [of, plan.value(FSCONFIG_CMD_CREATE, 'FSCONFIG_CMD_CREATE'), 0, 0, 0], { on });
    plan.call('fsmount', [of, plan.value(FSMOUNT_CLOEXEC, 'FSMOUNT_CLOEXEC'), 0], { result, on });
  });
}

/** The host's own, proven to be a procfs's root. Its mounts are no container's to change. */
function openHostsProc({ plan }: ProcessContext, result: Slot, pointer: string): void {
  const wrong = plan.label();
  const right = plan.label();
  plan.step({ sentence: "open the host's /proc", pointer }, () => {
    openAt(plan, plan.value(AT_FDCWD, 'AT_FDCWD'), '/proc', {
      flags: O_PATH | O_DIRECTORY | O_NOFOLLOW,
      resolve: RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
      result,
    });
    const system = plan.variable(STATFS_SIZE, '{statfs}');
    const status = plan.variable(STATX.sizeOf, '{statx}');
    plan.call('fstatfs', [plan.slotRef(result), system]);
    const empty = plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
    plan.call('statx', [plan.slotRef(result), '', empty, plan.value(STATX_MASK.inode, 'STATX_INO'), status]);
    plan.withSlot((value) => {
      plan.load(value, system, 8);
      plan.branch(value, 'notEqual', PROC_SUPER_MAGIC, wrong);
      plan.load(value, plan.addressOf(status, STATX.inode));
      plan.branch(value, 'equal', PROC_ROOT_INODE, right);
    });
    plan.place(wrong);
    plan.fail(ERRNO.EXDEV);
    plan.place(right);
  });
}
