// Which of the labels that a config asks for the host can give. Loaded only where one is asked for.

import { readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import type { LabelSteps, Labels } from '../init/labels.ts';
import { labelSteps } from '../init/steps/labels.ts';
import { errnoOf } from '../linux/errno.ts';
import type { Log } from '../log.ts';
import type { Config } from '../spec/generated/types.ts';

/** The security modules that can label processes. */
export interface LabelHost {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/** `"unconfined"` is no profile that somebody loads: a process is so where there is no AppArmor. */
const UNCONFINED = 'unconfined';

/** Throws `host` for what a process asks for and the host lacks. */
export function labelsFor(config: Config, log: Log): LabelSteps {
  const host = detectLabelHost();
  refuseMissing(config, host);
  const { mountLabel } = config.linux ?? {};
  if (mountLabel !== undefined && mountLabel !== '' && !host.selinux)
    log.warning(`the mount label ${mountLabel} has no effect: SELinux is not enabled on this host [/linux/mountLabel]`);
  return labelSteps(labelsOf(config, host));
}

/** As `labelsFor`, of a config whose container nobody makes here: what the host lacks is taken to be there. */
export function plannedLabels(config: Config): LabelSteps {
  return labelSteps(labelsOf(config, { ...detectLabelHost(), apparmor: true }));
}

/**
 * A process without its label is less confined than was asked for: an error. Files without theirs are as on any host without SELinux. Throws `host`.
 */
export function refuseMissing({ process }: Config, host: LabelHost): void {
  const { apparmorProfile = '', selinuxLabel = '' } = process ?? {};
  if (apparmorProfile !== '' && apparmorProfile !== UNCONFINED && !host.apparmor)
    fail({
      code: 'host',
      message: `the AppArmor profile ${JSON.stringify(apparmorProfile)} is specified in config, but AppArmor is disabled or not supported on this host`,
      pointer: '/process/apparmorProfile',
      hint: 'leave the field out (or write "unconfined"), or boot a kernel that has AppArmor with apparmor=1 security=apparmor',
    });
  if (selinuxLabel !== '' && !host.selinux)
    fail({
      code: 'host',
      message: `the selinux label ${JSON.stringify(selinuxLabel)} is specified in config, but selinux is disabled or not supported on this host`,
      pointer: '/process/selinuxLabel',
      hint: 'leave the field out, or boot a kernel that has SELinux with selinux=1 security=selinux and a policy',
    });
}

/** Pure. */
export function labelsOf({ process, linux }: Config, host: LabelHost): Labels {
  const { apparmorProfile = '', selinuxLabel = '' } = process ?? {};
  const { mountLabel = '' } = linux ?? {};
  return {
    ...(apparmorProfile !== '' && host.apparmor ? { apparmorProfile } : {}),
    ...(selinuxLabel === '' ? {} : { selinuxLabel }),
    ...(mountLabel !== '' && host.selinux ? { mountLabel } : {}),
  };
}

export function detectLabelHost(): LabelHost {
  return {
    apparmor: textOf('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true,
    selinux:
      mountsSelinux(textOf('/proc/self/mountinfo') ?? '') &&
      // So it is before a policy is loaded.
      !/^kernel\0?$/.test(textOf('/proc/self/attr/current') ?? ''),
  };
}

/**
 * As libselinux has it: SELinux is there where its file system is mounted, and not read-only, which is what a container sees of a host's. `mountinfo`: of
 * proc_pid_mountinfo(5).
 */
export function mountsSelinux(mountinfo: string): boolean {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', system = ''] = line.split(' - ');
    const [type, , systemOptions = ''] = system.split(' ');
    if (type !== 'selinuxfs') continue;
    const options = [...(mount.split(' ')[5] ?? '').split(','), ...systemOptions.split(',')];
    return !options.includes('ro');
  }
  return false;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    // Without a security module attr/current can't be read (EINVAL); the others are missing.
    if (errnoOf(error) === 0) throw error;
    return undefined;
  }
}
