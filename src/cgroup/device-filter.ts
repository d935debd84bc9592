// A device policy as an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE), which is what cgroup v2 has instead of v1's devices.allow and
// devices.deny. Pure: a policy to the bytes of its instructions.
//
// The kernel runs it with r1 pointing to struct bpf_cgroup_dev_ctx (include/uapi/linux/bpf.h) and allows the access if it returns 1:
//   u32 access_type: access << 16 | type;  u32 major;  u32 minor
// The program goes through the policy from its end. r3 holds the accesses that are still undecided: an entry that allows takes its own
// out, and none left means allowed; one that denies any of them ends it.

import { fail } from '../error.ts';
import { type DeviceMatch, type DevicePolicy, overlaps } from './device-rules.ts';

/** BPF_DEVCG_DEV_*. */
const TYPE = { b: 1, c: 2 } as const;
const ALL_ACCESS = 7;

/** Opcodes: class | size, operation or source | mode (include/uapi/linux/bpf_common.h, bpf.h). */
export const OPCODE = {
  /** dst = *(u32 *)(src + off) */
  loadWord: 0x61,
  /** dst = imm, 64 bits */
  moveImmediate: 0xb7,
  /** dst = src, 64 bits */
  moveRegister: 0xbf,
  /** dst &= imm, 64 bits */
  andImmediate: 0x57,
  /** dst >>= imm, 64 bits, logical */
  shiftRightImmediate: 0x77,
  /** if (dst != imm) goto +off, 32 bits: a device number may have bit 31, which the 64-bit comparison would extend */
  jumpIfNotEqual: 0x56,
  /** if (dst & imm) goto +off, 32 bits */
  jumpIfAnySet: 0x46,
  /** goto +off */
  jump: 0x05,
  exit: 0x95,
} as const;

/** Size of an instruction. */
export const INSTRUCTION = 8;

const RESULT = 0;
const CONTEXT = 1;
const DEVICE_TYPE = 2;
const UNDECIDED = 3;
const MAJOR = 4;
const MINOR = 5;

type PolicyEntry = DevicePolicy['entries'][number];

interface Instruction {
  readonly opcode: number;
  readonly destination?: number;
  readonly source?: number;
  readonly offset?: number;
  readonly immediate?: number;
}

const PROLOGUE: readonly Instruction[] = [
  { opcode: OPCODE.loadWord, destination: DEVICE_TYPE, source: CONTEXT, offset: 0 },
  { opcode: OPCODE.moveRegister, destination: UNDECIDED, source: DEVICE_TYPE },
  { opcode: OPCODE.shiftRightImmediate, destination: UNDECIDED, immediate: 16 },
  { opcode: OPCODE.andImmediate, destination: DEVICE_TYPE, immediate: 0xffff },
  { opcode: OPCODE.loadWord, destination: MAJOR, source: CONTEXT, offset: 4 },
  { opcode: OPCODE.loadWord, destination: MINOR, source: CONTEXT, offset: 8 },
];

/**
 * The program's instructions, as bpf(2) takes them: 8 bytes each, little-endian (both our architectures are).
 * Throws `cgroup` where there are more rules than its jumps can pass (about 4,500).
 */
export function compileDeviceFilter(policy: DevicePolicy): Uint8Array {
  const entries = policy.entries.toReversed();
  const starts: number[] = [PROLOGUE.length];
  for (const entry of entries) starts.push((starts.at(-1) ?? 0) + sizeOf(entry));
  const program = [...PROLOGUE];
  entries.forEach((entry, index) => {
    const next = starts[index + 1] ?? 0;
    for (const { register, value } of conditionsOf(entry))
      program.push({
        opcode: OPCODE.jumpIfNotEqual,
        destination: register,
        immediate: value,
        offset: next - program.length - 1,
      });
    // Where this entry matched but left something undecided, only those that can match too are looked at. Without this short
    // cut the kernel's verifier, which follows every path, would give up on a few hundred entries.
    const related = entries.findIndex((other, at) => at > index && overlaps(entry, other));
    const resume = starts[related < 0 ? entries.length : related] ?? 0;
    program.push(...decide(entry, resume - program.length));
  });
  program.push(...returning(policy.allowByDefault));
  return encode(program);
}

interface Condition {
  readonly register: number;
  readonly value: number;
}

function conditionsOf(entry: DeviceMatch): readonly Condition[] {
  const conditions: Condition[] = [{ register: DEVICE_TYPE, value: TYPE[entry.type] }];
  if (entry.major !== null) conditions.push({ register: MAJOR, value: entry.major });
  if (entry.minor !== null) conditions.push({ register: MINOR, value: entry.minor });
  return conditions;
}

function sizeOf(entry: PolicyEntry): number {
  return conditionsOf(entry).length + decide(entry, 0).length;
}

/** `resume`: where to go on if the entry does not decide all, counted from the first of these instructions. */
function decide(entry: PolicyEntry, resume: number): readonly Instruction[] {
  if (entry.allow && entry.access === ALL_ACCESS) return returning(true);
  if (entry.allow)
    return [
      { opcode: OPCODE.andImmediate, destination: UNDECIDED, immediate: ALL_ACCESS & ~entry.access },
      { opcode: OPCODE.jumpIfNotEqual, destination: UNDECIDED, immediate: 0, offset: resume - 2 },
      ...returning(true),
    ];
  return [
    { opcode: OPCODE.jumpIfAnySet, destination: UNDECIDED, immediate: entry.access, offset: 1 },
    { opcode: OPCODE.jump, offset: resume - 2 },
    ...returning(false),
  ];
}

function returning(allowed: boolean): readonly Instruction[] {
  return [{ opcode: OPCODE.moveImmediate, destination: RESULT, immediate: allowed ? 1 : 0 }, { opcode: OPCODE.exit }];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION);
  const view = new DataView(bytes.buffer);
  program.forEach(({ opcode, destination = 0, source = 0, offset = 0, immediate = 0 }, index) => {
    const at = index * INSTRUCTION;
    if (offset > 0x7fff)
      fail({
        code: 'cgroup',
        message: 'there are too many device rules for one filter of cgroup v2',
        pointer: '/linux/resources/devices',
      });
    view.setUint8(at, opcode);
    view.setUint8(at + 1, (source << 4) | destination);
    view.setInt16(at + 2, offset, true);
    view.setUint32(at + 4, immediate, true);
  });
  return bytes;
}
