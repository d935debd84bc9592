// Puts a device policy into force on a container's cgroup: rules in the v1 hierarchy `devices` where the host has it, else a program
// attached to the v2 cgroup.
//
// Both belong to the cgroup, not to a process, so it may be done before or after init enters. It is done before: nothing that
// runs in the container was ever without its rules. Init itself needs only to make device nodes (`m` on all devices, always
// allowed) and what every container may open. A config that mounts a block device needs a rule that allows to read it.

import { closeSync, openSync, writeSync } from 'node:fs';
import { fail } from '../error.ts';
import type { CgroupHandles } from './create.ts';
import { attachFilter } from './device-program.ts';
import { type DeviceMatch, type DevicePolicy, exceptionsOf, formatException } from './device-rules.ts';
import { attempt } from './failure.ts';

const POINTER = '/linux/resources/devices';

/** Throws `cgroup` where the host has neither kind of device control: a container without would own the host's disks. */
export function applyDevices(handles: Pick<CgroupHandles, 'tasks' | 'unified'>, policy: DevicePolicy): void {
  const v1 = handles.tasks.find((handle) => handle.controllers.split(',').includes('devices'));
  if (v1 !== undefined)
    for (const { file, rules, causes } of ruleWrites(policy)) writeRules(`${v1.path}/${file}`, rules, causes);
  else if (handles.unified !== null) attachFilter(handles.unified.fd, handles.unified.path, policy);
  else
    fail({
      code: 'cgroup',
      message:
        'the access to devices cannot be controlled: neither the v1 hierarchy "devices" nor cgroup v2 is mounted',
      pointer: POINTER,
    });
}

export interface RuleWrites {
  /** Of the cgroup. */
  readonly file: string;
  readonly rules: readonly string[];
  /** What in the config each comes from; none: it is from no rule. */
  readonly causes: readonly DeviceMatch[];
}

/** For v1. The reset drops what the cgroup inherited or had; after that only exceptions are added, none of which the kernel ignores. Pure. */
export function ruleWrites(policy: DevicePolicy): readonly RuleWrites[] {
  const exceptions = exceptionsOf(policy);
  const [reset, add] = policy.allowByDefault ? ['devices.allow', 'devices.deny'] : ['devices.deny', 'devices.allow'];
  return [
    { file: reset, rules: ['a'], causes: [] },
    { file: add, rules: exceptions.map(formatException), causes: exceptions },
  ];
}

/** Throws `cgroup` with the rule that the kernel refuses. */
export function writeRules(file: string, rules: readonly string[], causes: readonly DeviceMatch[]): void {
  const fd = attempt(`open ${file}`, () => openSync(file, 'r+'), POINTER);
  try {
    rules.forEach((rule, index) => {
      const hint = 'a cgroup above this one does not have that access, or the cgroup has children';
      // One rule in each write(2): the kernel reads no further.
      attempt(`write "${rule}" to ${file}`, () => writeSync(fd, rule), causes[index]?.pointer ?? POINTER, hint);
    });
  } finally {
    closeSync(fd);
  }
}
