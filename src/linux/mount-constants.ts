// Numbers of <linux/mount.h>, <linux/fcntl.h> and <linux/openat2.h> that mounts are made with.

export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_RECURSIVE = 0x8000;
export const AT_SYMLINK_NOFOLLOW = 0x100;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
/** Opening a terminal does not make it the session's. */
export const O_NOCTTY = 0o400;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
/** The generic numbers; arm64 swaps O_DIRECTORY and O_NOFOLLOW with O_DIRECT and O_LARGEFILE (asm/fcntl.h). */
export const O_DIRECTORY = process.arch === 'arm64' ? 0o40000 : 0o200000;
export const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;

export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;

export const OPEN_TREE_CLONE = 1;
export const OPEN_TREE_CLOEXEC = O_CLOEXEC;

export const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;

export const FSOPEN_CLOEXEC = 1;
export const FSCONFIG_SET_FLAG = 0;
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_CMD_CREATE = 6;
export const FSMOUNT_CLOEXEC = 1;

export const MOUNT_ATTR_RDONLY = 0x01;
export const MOUNT_ATTR_NOSUID = 0x02;
export const MOUNT_ATTR_NODEV = 0x04;
export const MOUNT_ATTR_NOEXEC = 0x08;
/** Mask of the three access time settings, of which relatime is 0. */
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_RELATIME = 0x00;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;
export const MOUNT_ATTR_IDMAP = 0x100000;
export const MOUNT_ATTR_NOSYMFOLLOW = 0x200000;
/** sizeof(struct mount_attr): attr_set, attr_clr, propagation, userns_fd. */
export const MOUNT_ATTR_SIZE = 32;

export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;

export const MNT_DETACH = 2;

export const PROC_SUPER_MAGIC = 0x9fa0;
export const DEVPTS_SUPER_MAGIC = 0x1cd1;

/** struct mount_attr of mount_setattr(2). `users`: a descriptor of the user namespace that MOUNT_ATTR_IDMAP is for. */
export function mountAttr(set: number, clear: number, propagation: number, users = 0): Uint8Array {
  const bytes = Buffer.alloc(MOUNT_ATTR_SIZE);
  bytes.writeUInt32LE(set, 0);
  bytes.writeUInt32LE(clear, 8);
  bytes.writeUInt32LE(propagation, 16);
  bytes.writeUInt32LE(users, 24);
  return bytes;
}

/** struct open_how of openat2(2). */
export function openHow(flags: number, resolve: number, mode = 0): Uint8Array {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(flags >>> 0, 0);
  bytes.writeUInt32LE(mode, 8);
  bytes.writeUInt32LE(resolve, 16);
  return bytes;
}
export const OPEN_HOW_SIZE = 24;

const ATTRIBUTE_NAMES: readonly (readonly [number, string])[] = [
  [MOUNT_ATTR_RDONLY, 'MOUNT_ATTR_RDONLY'],
  [MOUNT_ATTR_NOSUID, 'MOUNT_ATTR_NOSUID'],
  [MOUNT_ATTR_NODEV, 'MOUNT_ATTR_NODEV'],
  [MOUNT_ATTR_NOEXEC, 'MOUNT_ATTR_NOEXEC'],
  [MOUNT_ATTR_NODIRATIME, 'MOUNT_ATTR_NODIRATIME'],
  [MOUNT_ATTR_IDMAP, 'MOUNT_ATTR_IDMAP'],
  [MOUNT_ATTR_NOSYMFOLLOW, 'MOUNT_ATTR_NOSYMFOLLOW'],
];

/** `MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV`. */
export function attributeText(bits: number): string {
  const names = ATTRIBUTE_NAMES.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
  const time = bits & MOUNT_ATTR__ATIME;
  if (time === MOUNT_ATTR__ATIME) names.push('MOUNT_ATTR__ATIME');
  else if (time === MOUNT_ATTR_NOATIME) names.push('MOUNT_ATTR_NOATIME');
  else if (time === MOUNT_ATTR_STRICTATIME) names.push('MOUNT_ATTR_STRICTATIME');
  return names.length === 0 ? '0' : names.join('|');
}

/** `MS_SLAVE`. */
function propagationText(flag: number): string {
  return (
    { [MS_PRIVATE]: 'MS_PRIVATE', [MS_SLAVE]: 'MS_SLAVE', [MS_SHARED]: 'MS_SHARED', [MS_UNBINDABLE]: 'MS_UNBINDABLE' }[
      flag
    ] ?? String(flag)
  );
}

/** How a struct mount_attr is shown. */
export function attrText(
  set: number,
  clear: number,
  propagation: number,
  users?: { readonly fd: number; readonly text: string },
): string {
  const parts: string[] = [];
  if (set !== 0) parts.push(`attr_set=${attributeText(set)}`);
  if (clear !== 0) parts.push(`attr_clr=${attributeText(clear)}`);
  if (propagation !== 0) parts.push(`propagation=${propagationText(propagation)}`);
  if (users !== undefined) parts.push(`userns_fd=${users.fd}<${users.text}>`);
  return `{${parts.join(', ')}}`;
}
