// The eBPF programs of a v2 cgroup that decide about devices: loading, attaching, replacing (bpf(2)).

import { closeSync } from 'node:fs';
import { fail } from '../error.ts';
import {
  attributesOf,
  BPF,
  BPF_ATTRIBUTE_SIZE,
  BPF_CGROUP_DEVICE,
  DEVICE_PROGRAM_NAME,
  deviceAttachment,
  deviceProgram,
  LICENSE,
} from '../linux/bpf.ts';
import { ERRNO } from '../linux/errno.ts';
import { addressOf, syscall } from '../linux/syscall.ts';
import { compileDeviceFilter } from './device-filter.ts';
import type { DevicePolicy } from './device-rules.ts';

const POINTER = '/linux/resources/devices';

/** At most so many programs can be attached to one cgroup (BPF_CGROUP_MAX_PROGS). */
const MOST_PROGRAMS = 64;
/** What the cgroups above allow is not widened by it. */
export function attachFilter(directory: number, path: string, policy: DevicePolicy): void {
  const program = loadFilter(compileDeviceFilter(policy), path);
  try {
    const result = syscall('bpf', BPF.PROG_ATTACH, deviceAttachment(directory, program), BPF_ATTRIBUTE_SIZE);
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
      const result = syscall('bpf', BPF.PROG_ATTACH, deviceAttachment(directory, program, old), BPF_ATTRIBUTE_SIZE);
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
  const result = syscall('bpf', BPF.PROG_QUERY, query, BPF_ATTRIBUTE_SIZE);
  if (result < 0) refused(`list the device filters of ${path}`, result);
  const count = query.readUInt32LE(24);
  for (let index = 0; index < count; index++) {
    const program = syscall(
      'bpf',
      BPF.PROG_GET_FD_BY_ID,
      attributesOf([ids.readUInt32LE(index * 4)]),
      BPF_ATTRIBUTE_SIZE,
    );
    // Detached and gone since the list was made.
    if (program === -ERRNO.ENOENT) continue;
    if (program < 0) refused(`open a device filter of ${path}`, program);
    if (nameOf(program, path) === DEVICE_PROGRAM_NAME) return program;
    closeSync(program);
  }
  return undefined;
}

function nameOf(program: number, path: string): string {
  const info = Buffer.alloc(BPF_ATTRIBUTE_SIZE);
  // bpf_fd, info_len, info; in struct bpf_prog_info the name is at 64, 16 bytes long
  const attributes = attributesOf([program, info.length]);
  attributes.writeBigUInt64LE(addressOf(info), 8);
  const result = syscall('bpf', BPF.OBJ_GET_INFO_BY_FD, attributes, BPF_ATTRIBUTE_SIZE);
  if (result < 0) refused(`look at a device filter of ${path}`, result);
  return info.toString('latin1', 64, 80).replace(/\0.*$/s, '');
}

function loadFilter(instructions: Uint8Array, path: string): number {
  const license = Buffer.from(`${LICENSE}\0`);
  const attributes = deviceProgram(addressOf(instructions), instructions.length, addressOf(license));
  const program = syscall('bpf', BPF.PROG_LOAD, attributes, BPF_ATTRIBUTE_SIZE);
  // Reading them after the call also keeps them alive until then: the kernel was given their bare addresses.
  if (program < 0)
    refused(`load the device filter (${instructions.length} bytes, ${license.length}) for ${path}`, program);
  return program;
}

function refused(what: string, result: number): never {
  return fail({ code: 'cgroup', message: what, syscall: 'bpf', errno: -result, pointer: POINTER });
}
