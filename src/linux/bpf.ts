// bpf(2), as far as programs that decide about a cgroup's devices need it (include/uapi/linux/bpf.h).

/** Commands. */
export const BPF = {
  PROG_LOAD: 5,
  PROG_ATTACH: 8,
  PROG_GET_FD_BY_ID: 13,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
} as const;

const PROG_TYPE_CGROUP_DEVICE = 15;
/** The attach type. */
export const BPF_CGROUP_DEVICE = 6;
/** Programs of the cgroups above stay in force, and those below may add theirs: all must allow. */
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;
/** sizeof(struct bpf_insn) */
const INSTRUCTION = 8;

/** By it a program is known as runt's: systemd, for one, attaches programs of its own. */
export const DEVICE_PROGRAM_NAME = 'runt_devices';
export const LICENSE = 'Apache-2.0';

/**
 * Larger than the whole union bpf_attr of any kernel so far, zero-filled: some kernels write to fields behind the size that they were given,
 * and a shorter buffer would be overrun.
 */
export const BPF_ATTRIBUTE_SIZE = 256;

/** Offsets of PROG_ATTACH: target_fd, attach_bpf_fd; then attach_type, attach_flags, replace_bpf_fd. */
export const ATTACHMENT = { directory: 0, program: 4, type: 8, flags: 12, replaced: 16 } as const;

/** For PROG_LOAD. `code` and `license`: addresses; `size`: of the code, in bytes. */
export function deviceProgram(code: bigint, size: number, license: bigint): Buffer {
  // prog_type, insn_cnt, then pointers: insns at 8, license at 16; prog_name at 48
  const attributes = attributesOf([PROG_TYPE_CGROUP_DEVICE, size / INSTRUCTION]);
  attributes.writeBigUInt64LE(code, 8);
  attributes.writeBigUInt64LE(license, 16);
  attributes.write(DEVICE_PROGRAM_NAME, 48, 'latin1');
  return attributes;
}

/** For PROG_ATTACH. */
export function deviceAttachment(directory = 0, program = 0, replaced?: number): Buffer {
  const flags = BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE);
  return attributesOf([directory, program, BPF_CGROUP_DEVICE, flags, replaced ?? 0]);
}

export function attributesOf(words: readonly number[]): Buffer {
  const attributes = Buffer.alloc(BPF_ATTRIBUTE_SIZE);
  words.forEach((word, index) => {
    attributes.writeUInt32LE(word, index * 4);
  });
  return attributes;
}
