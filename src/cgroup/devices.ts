// Puts a device policy into force on a container's cgroup: rules in the v1 hierarchy `devices` where the host has it, else a program
// attached to the v2 cgroup.
//
// Both belong to the cgroup, not to a process, so it may be done before or after init enters. It is done before: nothing that
// runs in the container was ever without its rules. Init itself needs only to make device nodes (`m` on all devices, always
// allowed) and what every container may open. A config that mounts a block device needs a rule that allows to read it.

import { closeSync, openSync, writeSync } from 'node:fs';
import { fail } from '../error.ts';
import { addressOf, syscall } from '../linux/syscall.ts';
import type { CgroupHandles } from './create.ts';
import { compileDeviceFilter, INSTRUCTION } from './device-filter.ts';
import { type DeviceMatch, type DevicePolicy, exceptionsOf, formatException } from './device-rules.ts';
import { attempt } from './failure.ts';

const POINTER = '/linux/resources/devices';

/** Throws `cgroup` where the host has neither kind of device control: a container without would own the host's disks. */
export function applyDevices(handles: Pick<CgroupHandles, 'tasks' | 'unified'>, policy: DevicePolicy): void {
  const v1 = handles.tasks.find((handle) => handle.controllers.split(',').includes('devices'));
  if (v1 !== undefined) writeExceptions(v1.path, policy);
  else if (handles.unified !== null) attachFilter(handles.unified.fd, handles.unified.path, policy);
  else
    fail({
      code: 'cgroup',
      message:
        'the access to devices cannot be controlled: neither the v1 hierarchy "devices" nor cgroup v2 is mounted',
      pointer: POINTER,
    });
}

/** The reset drops what the cgroup inherited or had; after that only exceptions are added, none of which the kernel ignores. */
function writeExceptions(path: string, policy: DevicePolicy): void {
  const exceptions = exceptionsOf(policy);
  const [reset, add] = policy.allowByDefault ? ['devices.allow', 'devices.deny'] : ['devices.deny', 'devices.allow'];
  writeRules(`${path}/${reset}`, ['a'], []);
  writeRules(`${path}/${add}`, exceptions.map(formatException), exceptions);
}

function writeRules(file: string, rules: readonly string[], causes: readonly DeviceMatch[]): void {
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

/** Commands and constants of bpf(2) (include/uapi/linux/bpf.h). */
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
/**
 * Larger than the whole union bpf_attr of any kernel so far, zero-filled: some kernels write to fields behind the size that they were given,
 * and a shorter buffer would be overrun.
 */
const ATTRIBUTE_SIZE = 256;

/** With BPF_F_ALLOW_MULTI the programs of the cgroups above stay in force, and those below may add theirs: all must allow. */
function attachFilter(directory: number, path: string, policy: DevicePolicy): void {
  const program = loadFilter(compileDeviceFilter(policy), path);
  try {
    // target_fd, attach_bpf_fd, attach_type, attach_flags
    const attributes = attributesOf([directory, program, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI]);
    const result = syscall('bpf', BPF_PROG_ATTACH, attributes, ATTRIBUTE_SIZE);
    if (result < 0) refused(`attach the device filter to ${path}`, result);
  } finally {
    // The cgroup holds the program from now on.
    closeSync(program);
  }
}

function loadFilter(instructions: Uint8Array, path: string): number {
  const license = Buffer.from('Apache-2.0\0');
  // prog_type, insn_cnt, then pointers: insns at 8, license at 16; prog_name at 48
  const attributes = attributesOf([BPF_PROG_TYPE_CGROUP_DEVICE, instructions.length / INSTRUCTION]);
  attributes.writeBigUInt64LE(addressOf(instructions), 8);
  attributes.writeBigUInt64LE(addressOf(license), 16);
  attributes.write('runt_devices', 48, 'latin1');
  const program = syscall('bpf', BPF_PROG_LOAD, attributes, ATTRIBUTE_SIZE);
  // Reading them after the call also keeps them alive until then: the kernel was given their bare addresses.
  if (program < 0)
    refused(`load the device filter (${instructions.length} bytes, ${license.length}) for ${path}`, program);
  return program;
}

function attributesOf(words: readonly number[]): Buffer {
  const attributes = Buffer.alloc(ATTRIBUTE_SIZE);
  words.forEach((word, index) => {
    attributes.writeUInt32LE(word, index * 4);
  });
  return attributes;
}

function refused(what: string, result: number): never {
  return fail({ code: 'cgroup', message: what, syscall: 'bpf', errno: -result, pointer: POINTER });
}
