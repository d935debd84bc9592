// The eBPF programs of a v2 cgroup that decide about devices: loading, attaching, replacing (bpf(2)).

import { closeSync } from 'node:fs';
import { fail } from '../error.ts';
import { ERRNO } from '../linux/errno.ts';
import { addressOf, syscall } from '../linux/syscall.ts';
import { compileDeviceFilter, INSTRUCTION } from './device-filter.ts';
import type { DevicePolicy } from './device-rules.ts';

const POINTER = '/linux/resources/devices';

/** Commands and constants of bpf(2) (include/uapi/linux/bpf.h). */
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_PROG_QUERY = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;
/** By it a program is known as runt's: systemd, for one, attaches programs of its own. */
const NAME = 'runt_devices';
/** At most so many programs can be attached to one cgroup (BPF_CGROUP_MAX_PROGS). */
const MOST_PROGRAMS = 64;
/**
 * Larger than the whole union bpf_attr of any kernel so far, zero-filled: some kernels write to fields behind the size that they were given,
 * and a shorter buffer would be overrun.
 */
const ATTRIBUTE_SIZE = 256;

/** With BPF_F_ALLOW_MULTI the programs of the cgroups above stay in force, and those below may add theirs: all must allow. */
export function attachFilter(directory: number, path: string, policy: DevicePolicy): void {
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

/**
 * Puts another policy in the place of runt's: in one step, so that at no moment everything or nothing is allowed. Where there is no program of
 * runt's, it is attached. Throws `cgroup`.
 */
export function replaceFilter(directory: number, path: string, policy: DevicePolicy): void {
  const old = ownProgram(directory, path);
  if (old === undefined) {
    attachFilter(directory, path, policy);
    return;
  }
  try {
    const program = loadFilter(compileDeviceFilter(policy), path);
    try {
      // target_fd, attach_bpf_fd, attach_type, attach_flags, replace_bpf_fd
      const flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
      const attributes = attributesOf([directory, program, BPF_CGROUP_DEVICE, flags, old]);
      const result = syscall('bpf', BPF_PROG_ATTACH, attributes, ATTRIBUTE_SIZE);
      if (result < 0) refused(`replace the device filter of ${path}`, result);
    } finally {
      closeSync(program);
    }
  } finally {
    closeSync(old);
  }
}

/** A descriptor of the program of runt's that is attached to the cgroup itself. */
function ownProgram(directory: number, path: string): number | undefined {
  const ids = Buffer.alloc(4 * MOST_PROGRAMS);
  // target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
  const query = attributesOf([directory, BPF_CGROUP_DEVICE]);
  query.writeBigUInt64LE(addressOf(ids), 16);
  query.writeUInt32LE(MOST_PROGRAMS, 24);
  const result = syscall('bpf', BPF_PROG_QUERY, query, ATTRIBUTE_SIZE);
  if (result < 0) refused(`list the device filters of ${path}`, result);
  const count = query.readUInt32LE(24);
  for (let index = 0; index < count; index++) {
    const program = syscall('bpf', BPF_PROG_GET_FD_BY_ID, attributesOf([ids.readUInt32LE(index * 4)]), ATTRIBUTE_SIZE);
    // Detached and gone since the list was made.
    if (program === -ERRNO.ENOENT) continue;
    if (program < 0) refused(`open a device filter of ${path}`, program);
    if (nameOf(program, path) === NAME) return program;
    closeSync(program);
  }
  return undefined;
}

function nameOf(program: number, path: string): string {
  const info = Buffer.alloc(ATTRIBUTE_SIZE);
  // bpf_fd, info_len, info; in struct bpf_prog_info the name is at 64, 16 bytes long
  const attributes = attributesOf([program, info.length]);
  attributes.writeBigUInt64LE(addressOf(info), 8);
  const result = syscall('bpf', BPF_OBJ_GET_INFO_BY_FD, attributes, ATTRIBUTE_SIZE);
  if (result < 0) refused(`look at a device filter of ${path}`, result);
  return info.toString('latin1', 64, 80).replace(/\0.*$/s, '');
}

function loadFilter(instructions: Uint8Array, path: string): number {
  const license = Buffer.from('Apache-2.0\0');
  // prog_type, insn_cnt, then pointers: insns at 8, license at 16; prog_name at 48
  const attributes = attributesOf([BPF_PROG_TYPE_CGROUP_DEVICE, instructions.length / INSTRUCTION]);
  attributes.writeBigUInt64LE(addressOf(instructions), 8);
  attributes.writeBigUInt64LE(addressOf(license), 16);
  attributes.write(NAME, 48, 'latin1');
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
