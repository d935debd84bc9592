// How security labels are written: to files of /proc/self/attr (apparmor(7), attributes(5) of selinux), through a procfs of the process's own that is
// mounted nowhere, so that nothing of an image can lie in the way (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881). What was written is read back.
//
// A label is for the next execve, and a clone inherits it. So it is written early, before capabilities are dropped, no_new_privs is set and a seccomp filter
// is there; but after createContainer hooks, programs of the host, were executed. startContainer hooks get it, too, as in runc.

import { ERRNO } from '../../linux/errno.ts';
import {
  FSCONFIG_SET_STRING,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from '../../linux/mount-constants.ts';
import { hasContext } from '../../linux/mount-options.ts';
import type { LabelSteps, Labels } from '../labels.ts';
import type { Label, Slot, Step } from '../plan.ts';
import { openAt, type ProcessContext } from './context.ts';
import { withProc } from './private-proc.ts';

/** Nothing but the procfs's own: `self` is a link, and an ordinary one. */
const WITHIN = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
/** File systems that the kernel labels itself; a bind mount has the labels of its files. The list is runc's. */
const LABELLED_BY_KERNEL = ['proc', 'sysfs', 'cgroup', 'cgroup2', 'mqueue'];
const SELINUX_HINT =
  'EINVAL: the policy does not know the label; EACCES: it does not let the runtime give it (setexec, setkeycreate)';
const APPARMOR_HINT = 'ENOENT: no such profile is loaded (apparmor_parser -r FILE loads one)';

export function labelSteps(labels: Labels): LabelSteps {
  const { apparmorProfile, selinuxLabel, mountLabel } = labels;
  const takesLabel = (type: string, data: readonly string[]): boolean =>
    mountLabel !== undefined && !LABELLED_BY_KERNEL.includes(type) && !data.some(hasContext);
  return {
    mountLabel,
    keyring(context, where) {
      if (selinuxLabel === undefined || !context.inputs.newKeyring) return;
      withProc(context, where, '/process/selinuxLabel', (proc) => labelKeys(context, proc, selinuxLabel));
    },
    program(context, where) {
      if (apparmorProfile === undefined && selinuxLabel === undefined) return;
      const pointer = apparmorProfile === undefined ? '/process/selinuxLabel' : '/process/apparmorProfile';
      withProc(context, where, pointer, (proc) => {
        if (apparmorProfile !== undefined) applyProfile(context, proc, apparmorProfile);
        if (selinuxLabel !== undefined) applyLabel(context, proc, selinuxLabel);
      });
    },
    mountOption: (type, data) => (takesLabel(type, data) ? `context="${mountLabel}"` : undefined),
    fileSystem({ plan }, fs, type, data) {
      if (mountLabel === undefined || !takesLabel(type, data)) return;
      plan.step(mountStep(type, mountLabel), () =>
        plan.call('fsconfig', [
          fs,
          plan.value(FSCONFIG_SET_STRING, 'FSCONFIG_SET_STRING'),
          'context',
          // As it is: only the text of mount(2)'s options needs quotes round the commas.
          mountLabel,
          0,
        ]),
      );
    },
    root({ plan }, mount, type) {
      if (mountLabel === undefined || type !== 'mqueue') return;
      plan.step(mountStep(type, mountLabel), () => {
        plan.withSlot((file) => {
          const flags = plan.value(O_RDONLY | O_DIRECTORY | O_CLOEXEC, 'O_RDONLY|O_DIRECTORY|O_CLOEXEC');
          // fsmount(2) gives a descriptor that only stands for the place.
          plan.call('openat', [plan.slotRef(mount), '.', flags, 0], { result: file });
          const size = Buffer.byteLength(mountLabel);
          plan.call('fsetxattr', [plan.slotRef(file), 'security.selinux', mountLabel, size, 0]);
        });
      });
    },
  };
}

function mountStep(type: string, label: string): Step {
  return {
    sentence: `label the ${type} with ${label}`,
    pointer: '/linux/mountLabel',
    hint: 'EINVAL: the SELinux policy does not know the label, or the file system takes none',
  };
}

function applyProfile(context: ProcessContext, proc: Slot, profile: string): void {
  const { plan } = context;
  const step = {
    sentence: `apply the AppArmor profile ${profile} at the next execve`,
    pointer: '/process/apparmorProfile',
    hint: APPARMOR_HINT,
  };
  plan.step(step, () => {
    plan.withSlot((file) => {
      const absent = plan.label();
      const opened = plan.label();
      // Where two security modules have labels, the plain file belongs to only one of them, and not always to AppArmor.
      openAttribute(context, proc, 'apparmor/exec', file, { ENOENT: absent });
      plan.jump(opened);
      plan.place(absent);
      openAttribute(context, proc, 'exec', file);
      plan.place(opened);
      write(context, file, `exec ${profile}`);
      // In another policy namespace, or with several profiles at once, the kernel has other words for the same.
      const known = /[:&]/.test(profile) ? '' : profile;
      requireAnswer(context, file, known, [0x20, 0x0a, 0], step);
    });
  });
}

function applyLabel(context: ProcessContext, proc: Slot, label: string): void {
  const step = {
    sentence: `apply the SELinux label ${label} at the next execve`,
    pointer: '/process/selinuxLabel',
    hint: SELINUX_HINT,
  };
  writeLabel(context, proc, 'exec', label, step);
}

/** Only until the next execve: no other key is made before. */
function labelKeys(context: ProcessContext, proc: Slot, label: string): void {
  const step = {
    sentence: `label new keys with ${label}`,
    pointer: '/process/selinuxLabel',
    hint: `${SELINUX_HINT}; or pass --no-new-keyring`,
  };
  writeLabel(context, proc, 'keycreate', label, step);
}

function writeLabel(context: ProcessContext, proc: Slot, file: string, label: string, step: Step): void {
  const { plan } = context;
  plan.step(step, () => {
    plan.withSlot((attribute) => {
      openAttribute(context, proc, file, attribute);
      write(context, attribute, label);
      // User and role are told as they are given; a type may be told by another of its names, categories in another order.
      requireAnswer(context, attribute, /^[^:]*:[^:]*:/.exec(label)?.[0] ?? '', undefined, step);
    });
  });
}

function openAttribute(
  { plan }: ProcessContext,
  proc: Slot,
  name: string,
  result: Slot,
  on?: { readonly ENOENT: Label },
): void {
  openAt(plan, plan.slotRef(proc), `self/attr/${name}`, {
    flags: O_RDWR,
    resolve: WITHIN,
    result,
    ...(on === undefined ? {} : { on }),
  });
}

/** At once: the kernel takes a label whole or not at all. */
function write({ plan }: ProcessContext, file: Slot, text: string): void {
  plan.call('write', [plan.slotRef(file), text, Buffer.byteLength(text)]);
}

/** What the kernel keeps must begin with `text`, and go on with one of the bytes `then`; be anything at all where that is not known. */
function requireAnswer(
  { plan }: ProcessContext,
  file: Slot,
  text: string,
  then: readonly number[] | undefined,
  step: Step,
): void {
  const expected = Buffer.from(text);
  const size = expected.length + 1;
  const kept = plan.variable(size, '{kept}');
  const other = plan.label();
  const same = plan.label();
  plan.withSlot((length) => {
    plan.call('pread64', [plan.slotRef(file), kept, size, 0], { result: length });
    plan.branch(length, 'less', Math.max(1, expected.length), other);
  });
  plan.withSlot((part) => {
    for (let at = 0; at < expected.length; ) {
      const left = expected.length - at;
      const width = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      plan.load(part, plan.addressOf(kept, at), width);
      plan.branch(part, 'notEqual', numberAt(expected, at, width), other);
      at += width;
    }
    if (then === undefined || expected.length === 0) plan.jump(same);
    else {
      plan.load(part, plan.addressOf(kept, expected.length), 1);
      for (const byte of then) plan.branch(part, 'equal', byte, same);
    }
  });
  plan.place(other);
  plan.step(
    { ...step, sentence: `${step.sentence}: the kernel keeps another`, hint: 'this /proc is not to be trusted' },
    () => plan.fail(ERRNO.EPERM),
  );
  plan.place(same);
}

/** As a load gives it to a slot. */
function numberAt(bytes: Buffer, at: number, width: 1 | 2 | 4 | 8): bigint {
  return width === 8 ? bytes.readBigInt64LE(at) : BigInt(bytes.readUIntLE(at, width));
}
