// Structures of sendmsg(2) that carry one descriptor (unix(7), SCM_RIGHTS). Bytes only: plans are made of them, too.

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
export const MSG_NOSIGNAL = 0x4000;
/** CMSG_SPACE(sizeof(int)), and CMSG_LEN(sizeof(int)). */
export const CONTROL_SIZE = 24;
const CONTROL_LENGTH = 20;
const MSGHDR_SIZE = 56;

/** struct msghdr with one buffer and room for one descriptor; the addresses are those of the caller's bytes. */
export function messageHeader(iovec: bigint, control: bigint): Uint8Array {
  const header = Buffer.alloc(MSGHDR_SIZE);
  header.writeBigUInt64LE(iovec, 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(control, 32);
  header.writeBigUInt64LE(BigInt(CONTROL_SIZE), 40);
  return header;
}

/** struct iovec. */
export function ioVector(base: bigint, length: number): Uint8Array {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(base, 0);
  vector.writeBigUInt64LE(BigInt(length), 8);
  return vector;
}

/** Where in `rightsControl` the descriptor is: 32 bits. */
export const RIGHTS_DESCRIPTOR = 16;

/** struct cmsghdr with SCM_RIGHTS and one descriptor. */
export function rightsControl(descriptor: number): Uint8Array {
  const control = Buffer.alloc(CONTROL_SIZE);
  control.writeBigUInt64LE(BigInt(CONTROL_LENGTH), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, RIGHTS_DESCRIPTOR);
  return control;
}

/** The descriptor in what recvmsg(2) wrote there; undefined: none. */
export function descriptorIn(control: Buffer): number | undefined {
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  if (!isRights || control.readBigUInt64LE(0) < BigInt(CONTROL_LENGTH)) return undefined;
  return control.readInt32LE(RIGHTS_DESCRIPTOR);
}
