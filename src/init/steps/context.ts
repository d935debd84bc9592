// What every file of steps/ works with, and the words for descriptors and paths in the root.

import type { ErrnoName } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  attrText,
  MOUNT_ATTR_SIZE,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  mountAttr,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../linux/mount-constants.ts';
import type { Config } from '../../spec/generated/types.ts';
import type { Argument, PlanBuilder } from '../builder.ts';
import type { Descriptor, InitInputs } from '../inputs.ts';
import type { Immediate, Label, Slot } from '../plan.ts';

export interface StepContext {
  readonly plan: PlanBuilder;
  readonly inputs: InitInputs;
  readonly config: Config;
  /** The root file system's tree; a directory that all paths of the container are resolved in. */
  readonly root: Immediate;
  /** Holds the descriptor that messages and failures go to. */
  readonly report: Slot;
}

/** The immediate for an inherited descriptor: `7</data>`. */
export function descriptor(plan: PlanBuilder, of: Descriptor): Immediate {
  return plan.value(of.fd, `${of.fd}<${of.text}>`);
}

/** A JSON pointer below another: `child('/mounts', 3, 'options')`. */
export function pointer(...parts: readonly (string | number)[]): string {
  return parts
    .map((part, index) =>
      index === 0 && String(part).startsWith('/')
        ? String(part)
        : `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    )
    .join('');
}

/** `..` and `.` taken out as if there were no links; absolute. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [O_WRONLY, 'O_WRONLY'],
  [O_PATH, 'O_PATH'],
  [O_DIRECTORY, 'O_DIRECTORY'],
  [O_NOFOLLOW, 'O_NOFOLLOW'],
  [O_CLOEXEC, 'O_CLOEXEC'],
];
const RESOLVE_NAMES: readonly (readonly [number, string])[] = [
  [RESOLVE_IN_ROOT, 'RESOLVE_IN_ROOT'],
  [RESOLVE_BENEATH, 'RESOLVE_BENEATH'],
  [RESOLVE_NO_XDEV, 'RESOLVE_NO_XDEV'],
  [RESOLVE_NO_SYMLINKS, 'RESOLVE_NO_SYMLINKS'],
  [RESOLVE_NO_MAGICLINKS, 'RESOLVE_NO_MAGICLINKS'],
];
function names(bits: number, table: readonly (readonly [number, string])[]): string {
  const found = table.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
  return found.length === 0 ? '0' : found.join('|');
}

export interface OpenOptions {
  readonly flags: number;
  readonly resolve: number;
  readonly result: Slot;
  readonly on?: Readonly<Partial<Record<ErrnoName, Label>>>;
}

/** openat2(2); O_CLOEXEC is added. */
export function openAt(plan: PlanBuilder, directory: Argument, path: string, options: OpenOptions): void {
  const flags = options.flags | O_CLOEXEC;
  const how = plan.constant(
    openHow(flags, options.resolve),
    `{flags=${names(flags, FLAG_NAMES)}, resolve=${names(options.resolve, RESOLVE_NAMES)}}`,
  );
  plan.call('openat2', [directory, path, how, OPEN_HOW_SIZE], {
    result: options.result,
    ...(options.on === undefined ? {} : { on: options.on }),
  });
}

/** No path of the container is followed through /proc/PID/fd and the like (S05), nor out of its root. */
export const IN_ROOT = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/** Opens (O_PATH) what `path` is in the container's root. */
export function openInRoot(
  { plan, root }: StepContext,
  path: string,
  options: Omit<OpenOptions, 'resolve'> & { readonly resolve?: number },
): void {
  openAt(plan, root, path, { ...options, flags: options.flags | O_PATH, resolve: IN_ROOT | (options.resolve ?? 0) });
}

/**
 * Opens the directory `path` in the root and makes what is missing of it, component by component, each below the one
 * that is held open (CVE-2024-45310: a path that is walked again can be another).
 */
export function ensureDirectory(context: StepContext, path: string, result: Slot, resolve = 0): void {
  const { plan, root } = context;
  if (path === '/') {
    openInRoot(context, '/', { flags: O_DIRECTORY, result });
    return;
  }
  const missing = plan.label();
  const done = plan.label();
  openInRoot(context, path, { flags: O_DIRECTORY, resolve, result, on: { ENOENT: missing } });
  plan.jump(done);
  plan.place(missing);
  const parts = path.slice(1).split('/');
  plan.withSlot((parent) => {
    parts.forEach((name, index) => {
      const prefix = `/${parts.slice(0, index + 1).join('/')}`;
      const above = index === 0 ? root : plan.slotRef(parent);
      const make = plan.label();
      const reopen = plan.label();
      const present = plan.label();
      openInRoot(context, prefix, { flags: O_DIRECTORY, resolve, result, on: { ENOENT: make } });
      plan.jump(present);
      plan.place(make);
      // Somebody else (a container that shares the root file system) may have made it meanwhile.
      plan.call('mkdirat', [above, name, plan.value(0o755, '0755')], { on: { EEXIST: reopen } });
      plan.place(reopen);
      openInRoot(context, prefix, { flags: O_DIRECTORY, resolve, result });
      plan.place(present);
      if (index > 0) plan.call('close', [above]);
      if (index < parts.length - 1) moveSlot(plan, result, parent);
    });
  });
  plan.place(done);
}

/** `to` gets the value of `from`. The machine has no such operation: a store and a load through memory. */
function moveSlot(plan: PlanBuilder, from: Slot, to: Slot): void {
  const memory = plan.variable(8, '{held}');
  plan.store(from, memory);
  plan.load(to, memory);
}

/** Opens the file `path` in the root (O_PATH); makes an empty one, and its parents, where there is none. */
export function ensureFile(context: StepContext, path: string, result: Slot): void {
  const { plan } = context;
  const missing = plan.label();
  const reopen = plan.label();
  const done = plan.label();
  openInRoot(context, path, { flags: 0, result, on: { ENOENT: missing } });
  plan.jump(done);
  plan.place(missing);
  const slash = path.lastIndexOf('/');
  ensureDirectory(context, slash === 0 ? '/' : path.slice(0, slash), result);
  // mknod rather than open: what is made is never opened by name (it could be a link or a device by then).
  plan.call('mknodat', [plan.slotRef(result), path.slice(slash + 1), plan.value(0o100644, 'S_IFREG|0644'), 0], {
    on: { EEXIST: reopen },
  });
  plan.place(reopen);
  plan.call('close', [plan.slotRef(result)]);
  openInRoot(context, path, { flags: 0, result });
  plan.place(done);
}

/** Puts the detached mount `tree` on the open directory or file `target`. */
export function attach(plan: PlanBuilder, tree: Argument, target: Argument): void {
  plan.call('move_mount', [
    tree,
    '',
    target,
    '',
    plan.value(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH, 'MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH'),
  ]);
}

/** mount_setattr(2) on the open mount. */
export function setAttributes(
  plan: PlanBuilder,
  mount: Argument,
  change: { readonly set?: number; readonly clear?: number; readonly propagation?: number; readonly recursive?: boolean },
): void {
  const { set = 0, clear = 0, propagation = 0, recursive = false } = change;
  const attributes = plan.constant(mountAttr(set, clear, propagation), attrText(set, clear, propagation));
  const flags = recursive
    ? plan.value(AT_EMPTY_PATH | AT_RECURSIVE, 'AT_EMPTY_PATH|AT_RECURSIVE')
    : plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
  plan.call('mount_setattr', [mount, '', flags, attributes, MOUNT_ATTR_SIZE]);
}

/** An 8-byte message to the runtime. */
export function send(context: StepContext, name: string, kind: number): void {
  const { plan, report } = context;
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(kind, 0);
  plan.call('sendto', [plan.slotRef(report), plan.constant(bytes, `{${name}}`), 8, MSG_NOSIGNAL(plan), 0, 0]);
}

export function MSG_NOSIGNAL(plan: PlanBuilder): Immediate {
  return plan.value(0x4000, 'MSG_NOSIGNAL');
}
