// Policies and flags of sched_setattr(2), classes of ioprio_set(2), as linux/sched.h and linux/ioprio.h number them.

export const SCHEDULER_POLICIES = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;

export const SCHEDULER_FLAGS = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

export const IO_CLASSES = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;

/** Times in nanoseconds. */
export interface SchedulerAttributes {
  readonly policy: number;
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  readonly runtime: bigint;
  readonly deadline: bigint;
  readonly period: bigint;
}

/** SCHED_ATTR_SIZE_VER1: with the two bounds of utilization, which stay 0. */
const SIZE = 56;

/** struct sched_attr. */
export function schedulerAttributes(of: SchedulerAttributes): Uint8Array {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeUInt32LE(SIZE, 0);
  bytes.writeUInt32LE(of.policy, 4);
  bytes.writeBigUInt64LE(BigInt(of.flags), 8);
  bytes.writeInt32LE(of.nice, 16);
  bytes.writeUInt32LE(of.priority, 20);
  bytes.writeBigUInt64LE(of.runtime, 24);
  bytes.writeBigUInt64LE(of.deadline, 32);
  bytes.writeBigUInt64LE(of.period, 40);
  return bytes;
}

const CLASS_SHIFT = 13;

/** What ioprio_set(2) takes for a class and a level in it. */
export function ioPriority(ioClass: number, level: number): number {
  return (ioClass << CLASS_SHIFT) | level;
}
