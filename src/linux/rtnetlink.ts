// Messages of rtnetlink(7): links (network devices) and their addresses. Pure: bytes to data and back.

import { fail } from '../error.ts';

export const RTM = { newLink: 16, getLink: 18, newAddress: 20, getAddress: 22 } as const;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
const NLM_F_REQUEST = 1;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
/** The list changed while it was read. */
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_ACK_TLVS = 0x200;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;

const HEADER_SIZE = 16;
const LINK_SIZE = 16;
const ADDRESS_SIZE = 8;
const LONGEST_ATTRIBUTE = 0xffff;
/** nla_type without the flags for nested ones and byte order. */
const TYPE_BITS = 0x3fff;

const IFLA = { name: 3, mtu: 4, netNamespace: 28 } as const;
const IFA = { address: 1, local: 2, broadcast: 4, flags: 8, priority: 9 } as const;
export const IFF_UP = 1;
export const IFA_F_PERMANENT = 0x80;
/** What an address is made with, not what has become of it: NODAD, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN. */
const IFA_F_GIVEN = 0x02 | 0x10 | 0x100 | 0x200 | 0x400;
export const RT_SCOPE_UNIVERSE = 0;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_*. */
  readonly flags: number;
}

/** An address as it can be given again. */
export interface Address {
  /** AF_INET, AF_INET6. */
  readonly family: number;
  readonly prefixLength: number;
  readonly scope: number;
  /** IFA_F_*. */
  readonly flags: number;
  /** Of the link. */
  readonly index: number;
  /** IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_RT_PRIORITY as they are, by number. */
  readonly attributes: readonly (readonly [type: number, value: Uint8Array])[];
}

export type Reply =
  | { readonly kind: 'link'; readonly link: Link; readonly interrupted: boolean }
  | { readonly kind: 'address'; readonly address: Address; readonly interrupted: boolean }
  /** An acknowledgement where errno is 0; `text`: what the kernel says besides. */
  | { readonly kind: 'end'; readonly errno: number; readonly text?: string; readonly interrupted: boolean }
  | { readonly kind: 'other'; readonly interrupted: boolean };

function attribute(type: number, value: Uint8Array): Buffer {
  const length = 4 + value.length;
  // CVE-2021-43784 is what happens where a length wraps round.
  if (length > LONGEST_ATTRIBUTE)
    fail({ code: 'system', message: `an attribute of rtnetlink's can't have ${value.length} bytes` });
  const bytes = Buffer.alloc((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

function message(type: number, flags: number, body: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(HEADER_SIZE), ...body]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags | NLM_F_REQUEST, 6);
  return bytes;
}

/** struct ifinfomsg. */
function linkBody(index: number, flags = 0, change = 0): Buffer {
  const body = Buffer.alloc(LINK_SIZE);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(change, 12);
  return body;
}

const nameAttribute = (name: string): Buffer => attribute(IFLA.name, Buffer.from(`${name}\0`));

/** The link of this name. */
export function getLink(name: string): Uint8Array {
  return message(RTM.getLink, 0, [linkBody(0), nameAttribute(name)]);
}

export function listLinks(): Uint8Array {
  return message(RTM.getLink, NLM_F_DUMP, [linkBody(0)]);
}

/** Moves the link into the network namespace of the descriptor, and names it so there: in one, so that the old name is never seen there. */
export function moveLink(index: number, namespace: number, name: string): Uint8Array {
  const body = [linkBody(index), nameAttribute(name), attribute(IFLA.netNamespace, number(namespace))];
  return message(RTM.newLink, NLM_F_ACK, body);
}

export function setLinkUp(index: number): Uint8Array {
  return message(RTM.newLink, NLM_F_ACK, [linkBody(index, IFF_UP, IFF_UP)]);
}

/** Addresses of all links and families. */
export function listAddresses(): Uint8Array {
  return message(RTM.getAddress, NLM_F_DUMP, [Buffer.alloc(ADDRESS_SIZE)]);
}

/** Gives the link the address. */
export function addAddress(index: number, { family, prefixLength, scope, flags, attributes }: Address): Uint8Array {
  const body = Buffer.alloc(ADDRESS_SIZE);
  body.writeUInt8(family, 0);
  body.writeUInt8(prefixLength, 1);
  body.writeUInt8(scope, 3);
  body.writeUInt32LE(index, 4);
  const given = attribute(IFA.flags, number(flags & IFA_F_GIVEN));
  const others = attributes.map(([type, value]) => attribute(type, value));
  return message(RTM.newAddress, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, [body, given, ...others]);
}

function* attributesOf(bytes: Buffer): Generator<readonly [number, Buffer]> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return;
    yield [bytes.readUInt16LE(at + 2) & TYPE_BITS, bytes.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}

const textOf = (value: Buffer): string => value.toString('utf8').replace(/\0.*$/s, '');

function decodeLink(body: Buffer): Link {
  let name = '';
  for (const [type, value] of attributesOf(body.subarray(LINK_SIZE))) if (type === IFLA.name) name = textOf(value);
  return { index: body.readInt32LE(4), flags: body.readUInt32LE(8), name };
}

function decodeAddress(body: Buffer): Address {
  let flags = body.readUInt8(2);
  const attributes: [number, Uint8Array][] = [];
  const kept: readonly number[] = [IFA.address, IFA.local, IFA.broadcast, IFA.priority];
  for (const [type, value] of attributesOf(body.subarray(ADDRESS_SIZE))) {
    if (type === IFA.flags && value.length >= 4) flags = value.readUInt32LE(0);
    // A copy: the buffer is used again.
    if (kept.includes(type)) attributes.push([type, Uint8Array.from(value)]);
  }
  return {
    family: body.readUInt8(0),
    prefixLength: body.readUInt8(1),
    scope: body.readUInt8(3),
    index: body.readUInt32LE(4),
    flags,
    attributes,
  };
}

/** An error, or an acknowledgement, with the kernel's own words where it has some (netlink(7), NETLINK_EXT_ACK and NETLINK_CAP_ACK). */
function decodeEnd(body: Buffer, flags: number): { errno: number; text?: string } {
  const errno = 0 - body.readInt32LE(0);
  if ((flags & NLM_F_ACK_TLVS) === 0) return { errno };
  for (const [type, value] of attributesOf(body.subarray(4 + HEADER_SIZE))) {
    if (type === NLMSGERR_ATTR_MSG) return { errno, text: textOf(value) };
  }
  return { errno };
}

/** What the kernel has answered, of one datagram. What is cut off at its end is left out. */
export function decodeReplies(bytes: Buffer): Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; at + HEADER_SIZE <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_SIZE || at + length > bytes.length) break;
    const flags = bytes.readUInt16LE(at + 6);
    const interrupted = (flags & NLM_F_DUMP_INTR) !== 0;
    replies.push(decode(bytes.readUInt16LE(at + 4), flags, bytes.subarray(at + HEADER_SIZE, at + length), interrupted));
    at += (length + 3) & ~3;
  }
  return replies;
}

function decode(type: number, flags: number, body: Buffer, interrupted: boolean): Reply {
  if (type === RTM.newLink && body.length >= LINK_SIZE) return { kind: 'link', link: decodeLink(body), interrupted };
  if (type === RTM.newAddress && body.length >= ADDRESS_SIZE)
    return { kind: 'address', address: decodeAddress(body), interrupted };
  if (type === NLMSG_DONE) return { kind: 'end', errno: body.length >= 4 ? 0 - body.readInt32LE(0) : 0, interrupted };
  if (type === NLMSG_ERROR && body.length >= 4) return { kind: 'end', ...decodeEnd(body, flags), interrupted };
  return { kind: 'other', interrupted };
}
