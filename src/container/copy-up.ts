// The mount option tmpcopyup: a tmpfs that begins with a copy of what the container has at the place. The runtime prepares it as a detached mount that
// init only attaches. Loaded only where a config asks for it.

import { fail } from '../error.ts';
import type { Descriptor, PreparedMount } from '../init/inputs.ts';
import { IN_ROOT } from '../init/steps/context.ts';
import { type CheckedCalls, checkedCalls } from '../linux/checked-calls.ts';
import { copyDirectory } from '../linux/copy-directory.ts';
import { copyXattrs } from '../linux/copy-file.ts';
import { ERRNO } from '../linux/errno.ts';
import { fileStatus } from '../linux/file-status.ts';
import {
  MOUNT_ATTR_RDONLY,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../linux/mount-constants.ts';
import { hasContext, parseMountOptions } from '../linux/mount-options.ts';
import { mayMount, newMount } from '../linux/new-mount.ts';
import { syscall } from '../linux/syscall.ts';
import type { SyscallName } from '../linux/syscall-numbers.ts';
import type { Mount } from '../spec/generated/types.ts';
import {
  type CopySource,
  type Cover,
  copySource,
  dataOnHost,
  isGiven,
  optionPointer,
  placeOf,
  type ReadLink,
  refuseCopy,
} from './copy-up-source.ts';
import type { PrepareOptions } from './prepare-mounts.ts';
import { hostId, type UserNamespace } from './user-namespace.ts';

/** Leaves the id as it is (chown(2)). */
const UNCHANGED = 0xffffffff;

export interface CopyUp {
  readonly options: Pick<PrepareOptions, 'config' | 'descriptors' | 'late' | 'labels'>;
  readonly mount: Mount;
  readonly index: number;
  readonly destination: string;
  /** A descriptor of the root file system. */
  readonly root: number;
  readonly earlier: readonly PreparedMount[];
}

/** The tmpfs with its contents; undefined: nothing is there, an empty one is all that is asked for. Throws `unsupported`, `config`, `system`. */
export function prepareCopyUp(copyUp: CopyUp): Descriptor | undefined {
  const { options, index, destination, mount } = copyUp;
  const from = openSource(copyUp);
  if (from === undefined) return undefined;
  try {
    const made = makeTmpfs(copyUp);
    const tree = options.descriptors.inherit(made, `copy of ${destination}`);
    const mayMakeDevices = options.late === undefined;
    copyInto({ destination, mount, index, budget: memoryLimit(copyUp), mayMakeDevices }, from, made);
    return tree;
  } finally {
    syscall('close', from);
  }
}

function readLinksIn(root: number): ReadLink {
  return (path) => {
    const how = openHow(O_PATH | O_NOFOLLOW | O_CLOEXEC, IN_ROOT | RESOLVE_NO_SYMLINKS);
    const fd = syscall('openat2', root, path, how, OPEN_HOW_SIZE);
    if (fd < 0) return undefined;
    const target = Buffer.alloc(4096);
    const length = syscall('readlinkat', fd, '', target, target.length);
    syscall('close', fd);
    return length < 0 ? undefined : target.toString('utf8', 0, length);
  };
}

/** Open for reading; undefined: nothing is there to be copied. */
function openSource(copyUp: CopyUp): number | undefined {
  const { destination, root, earlier, options } = copyUp;
  const readLink = readLinksIn(root);
  const covers: Cover[] = [];
  for (const mount of earlier) covers.push({ place: placeOf(mount.destination, covers, readLink), mount });
  const source = copySource(placeOf(destination, covers, readLink), covers);
  if (source.from === 'nothing') return undefined;
  if (source.from === 'unknown') return refuseCopy(copyUp, source.reason);
  const { tree, crosses } = source.from === 'image' ? { tree: root, crosses: true } : treeOf(source, options, earlier);
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (crosses ? 0 : RESOLVE_NO_XDEV);
  const path = source.path.replace(/^\//, '') || '.';
  const how = openHow(O_RDONLY | O_DIRECTORY | O_CLOEXEC, resolve);
  const fd = syscall('openat2', tree, path, how, OPEN_HOW_SIZE);
  // A file in the way: init says so, as for any mount.
  if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENOTDIR) return undefined;
  if (fd === -ERRNO.ELOOP) return refuseCopy(copyUp, 'a symbolic link in an earlier mount leads there');
  if (fd < 0) return failCopy({ ...copyUp, path: '', call: 'openat2', errno: -fd });
  return fd;
}

/** `crosses`: what is mounted below its root belongs to it. */
function treeOf(
  { index }: Extract<CopySource, { from: 'mount' }>,
  { config }: CopyUp['options'],
  earlier: readonly PreparedMount[],
): { tree: number; crosses: boolean } {
  const cover = earlier[index];
  if (cover === undefined || (cover.kind !== 'bind' && cover.kind !== 'copyUp')) return { tree: -1, crosses: false };
  const { bind } = parseMountOptions(config.mounts?.[index]?.options ?? []);
  return { tree: cover.tree.fd, crosses: bind?.recursive === true };
}

function makeTmpfs(copyUp: CopyUp): number {
  const { mount, index, destination, options } = copyUp;
  // Init may, in its own namespace, but it can't copy: it is a list of system calls, without a loop over what a directory has.
  if (!mayMount()) refuseCopy(copyUp, 'the caller may not mount on the host');
  const { superblock, attributes } = parseMountOptions(mount.options ?? []);
  const message = `mount tmpfs on "${destination}"`;
  const label = options.labels?.mountLabel;
  const isLabelled = label !== undefined && !superblock.some(hasContext);
  const data = dataFor(copyUp, superblock, options.late?.user);
  return newMount({
    type: 'tmpfs',
    source: mount.source ?? '',
    data: isLabelled ? [...data, `context=${label}`] : data,
    // Init makes it read-only when all mount points are made, as any tmpfs.
    attributes: attributes.set & ~MOUNT_ATTR_RDONLY,
    doing: { message, pointer: `/mounts/${index}` },
    optionDoing: (place) =>
      place === superblock.length
        ? { message: `${message}: label it with ${label}`, pointer: '/linux/mountLabel' }
        : {
            message: `${message}: the option ${JSON.stringify(superblock[place])}`,
            pointer: optionPointer(index, mount, superblock[place] ?? ''),
            hint: 'tmpfs does not know it, or not this value',
          },
  });
}

/** uid= and gid= mean the container's ids, and the file system is made on the host. */
function dataFor(copyUp: CopyUp, data: readonly string[], user: UserNamespace | undefined): readonly string[] {
  if (user === undefined || user.kind === 'inherited') return data;
  const { mount, index, destination } = copyUp;
  const id = (key: 'uid' | 'gid', inside: number) => hostId(user[`${key}Mappings`], inside);
  return dataOnHost(data, id, (option) => {
    if (user.uidMappings.length === 0) refuseCopy(copyUp, `what "${option}" means in the user namespace is not known`);
    return fail({
      code: 'config',
      message: `mount tmpfs on "${destination}": the option "${option}" names an id that the user namespace does not have`,
      pointer: optionPointer(index, mount, option),
    });
  });
}

interface Doing {
  readonly destination: string;
  readonly mount: Mount;
  readonly index: number;
  /** Bytes. */
  readonly budget: number;
  /** A tmpfs of a user namespace would have none (mknod(2)); the container's root could bring those of this one, which is the host's, to life. */
  readonly mayMakeDevices: boolean;
}

/** The copy is made in the runtime's memory control group, not in the container's: its limit would hold for nothing that is copied. */
function memoryLimit({ options }: CopyUp): number {
  const limit = options.config.linux?.resources?.memory?.limit ?? 0;
  return limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function copyInto(doing: Doing, from: number, made: number): void {
  const failed = (path: string, call: SyscallName, errno: number) => failCopy({ ...doing, path, call, errno });
  const calls = checkedCalls((call, errno) => failed('', call, errno));
  // fsmount(2) gives one that only stands for the place.
  const to = calls.call('openat', made, '.', O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  try {
    copyContents(doing, from, to, failed);
    giveRoot(calls, doing.mount, from, to);
  } finally {
    syscall('close', to);
  }
}

type Failed = (path: string, call: SyscallName, errno: number) => never;

function copyContents(doing: Doing, from: number, to: number, failed: Failed): void {
  const { destination, index, mount, budget } = doing;
  let copied = 0;
  copyDirectory({
    from,
    to,
    mayMakeDevices: doing.mayMakeDevices,
    count(bytes) {
      copied += bytes;
      if (copied <= budget) return;
      fail({
        code: 'config',
        message: `tmpcopyup: what "${destination}" has is more than the memory that the container may use, ${budget} bytes`,
        pointer: '/linux/resources/memory/limit',
        hint: `raise the limit, or leave out the option tmpcopyup [/mounts/${index}/options]`,
      });
    },
    failed,
    tooDeep: (path) =>
      refuseCopy({ mount, index, destination }, `the directories there are too deep: "${destination}/${path}"`),
  });
}

/** The tmpfs's root is as the directory that it covers, but for what the options say. */
function giveRoot(calls: CheckedCalls, mount: Mount, from: number, to: number): void {
  const { superblock } = parseMountOptions(mount.options ?? []);
  const { call } = calls;
  const status = fileStatus(calls, from);
  const uid = isGiven(superblock, 'uid') ? UNCHANGED : status.uid;
  const gid = isGiven(superblock, 'gid') ? UNCHANGED : status.gid;
  call('fchown', to, uid, gid);
  if (!isGiven(superblock, 'mode')) {
    copyXattrs(calls, from, to);
    call('fchmod', to, status.mode & 0o7777);
  }
  call('utimensat', to, null, status.times, 0);
}

interface FailedCopy extends Pick<CopyUp, 'mount' | 'index' | 'destination'> {
  readonly path: string;
  readonly call: SyscallName;
  readonly errno: number;
}

function failCopy({ mount, index, destination, path, call, errno }: FailedCopy): never {
  const name = path === '' ? destination : `${destination}/${path}`;
  const limits = (mount.options ?? []).filter((option) => /^(size|nr_blocks|nr_inodes)=/.test(option));
  const [first] = limits;
  const full =
    first === undefined
      ? 'half of the memory is the limit of a tmpfs that has no option size='
      : `the image has more there than the option ${limits.map((option) => `"${option}"`).join(', ')} allows`;
  const hint =
    errno === ERRNO.ENOSPC ? full : errno === ERRNO.EXDEV ? 'it is a mount of its own, which is not copied' : undefined;
  return fail({
    code: 'system',
    message: `tmpcopyup: copy "${name}" into the tmpfs on "${destination}"`,
    syscall: call,
    errno,
    pointer: errno === ERRNO.ENOSPC && first !== undefined ? optionPointer(index, mount, first) : `/mounts/${index}`,
    ...(hint === undefined ? {} : { hint }),
  });
}
