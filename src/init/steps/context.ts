// What every file of steps/ works with, and the words for descriptors and paths in the root.

import type { ErrnoName } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  attrText,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_SIZE,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  mountAttr,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
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
import type { Descriptor, IdMap, InitInputs, ProcessInputs } from '../inputs.ts';
import type { DataRef, Immediate, Label, Slot, SlotRef } from '../plan.ts';

/** What is there for any process of a container: init, or one that exec adds. */
export interface ProcessContext {
  readonly plan: PlanBuilder;
  readonly inputs: ProcessInputs;
  readonly config: Config;
  /** Holds the descriptor that messages and failures go to. */
  readonly report: Slot;
}

/** What is there while init's launcher works. */
export interface LaunchContext extends ProcessContext {
  readonly inputs: InitInputs;
}

export interface StepContext extends LaunchContext {
  /** The root file system's tree; a directory that all paths of the container are resolved in. */
  readonly root: Immediate | SlotRef;
}

/** The immediate for an inherited descriptor: `7</data>`. */
export function descriptor(plan: PlanBuilder, of: Descriptor): Immediate {
  return plan.value(of.fd, `${of.fd}<${of.text}>`);
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [O_WRONLY, 'O_WRONLY'],
  [O_RDWR, 'O_RDWR'],
  [O_NOCTTY, 'O_NOCTTY'],
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

/** The same few structures serve a whole plan, and are made once for it: making and naming them is most of what a call costs. */
const structures = new WeakMap<PlanBuilder, Map<string, DataRef>>();

function structure(plan: PlanBuilder, key: string, make: () => DataRef): DataRef {
  let made = structures.get(plan);
  if (made === undefined) {
    made = new Map();
    structures.set(plan, made);
  }
  let ref = made.get(key);
  if (ref === undefined) {
    ref = make();
    made.set(key, ref);
  }
  return ref;
}

/** Writable data for what a call tells and the next steps look at: the same bytes for all of one name. */
export function scratch(plan: PlanBuilder, name: string, size: number): DataRef {
  return structure(plan, `scratch ${name}`, () => plan.variable(size, `{${name}}`));
}

/** openat2(2); O_CLOEXEC is added. */
export function openAt(plan: PlanBuilder, directory: Argument, path: string, options: OpenOptions): void {
  const flags = options.flags | O_CLOEXEC;
  const how = structure(plan, `how ${flags} ${options.resolve}`, () =>
    plan.constant(
      openHow(flags, options.resolve),
      `{flags=${names(flags, FLAG_NAMES)}, resolve=${names(options.resolve, RESOLVE_NAMES)}}`,
    ),
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

export interface EnsureOptions {
  /** How many components of the path are there for sure (0: unknown). */
  readonly present?: number;
  readonly resolve?: number;
}

function components(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

/**
 * Opens the directory `path` in the root and makes what is missing of it, component by component, each below the one
 * that is held open (CVE-2024-45310: a path that is walked again can be another).
 * Descriptors are not closed one by one: see closeLeftovers.
 */
export function ensureDirectory(context: StepContext, path: string, result: Slot, options: EnsureOptions = {}): void {
  const { plan } = context;
  const { present = 0, resolve = 0 } = options;
  const parts = components(path);
  if (present >= parts.length) {
    openInRoot(context, path, { flags: O_DIRECTORY, resolve, result });
    return;
  }
  const done = plan.label();
  if (present === 0) {
    const missing = plan.label();
    openInRoot(context, path, { flags: O_DIRECTORY, resolve, result, on: { ENOENT: missing } });
    plan.jump(done);
    plan.place(missing);
  }
  for (let index = present; index < parts.length; index++) {
    const name = parts[index] ?? '';
    const prefix = `/${parts.slice(0, index + 1).join('/')}`;
    if (index === present)
      openInRoot(context, `/${parts.slice(0, index).join('/')}`, { flags: O_DIRECTORY, resolve, result });
    const made = plan.label();
    // There already: it was not missing, or somebody (a container with the same root file system) has just made it.
    plan.call('mkdirat', [plan.slotRef(result), name, plan.value(0o755, '0755')], { on: { EEXIST: made } });
    plan.place(made);
    openInRoot(context, prefix, { flags: O_DIRECTORY, resolve, result });
  }
  plan.place(done);
}

/** Opens the file `path` in the root (O_PATH); makes an empty one, and its parents, where there is none. */
export function ensureFile(context: StepContext, path: string, result: Slot, present = 0): void {
  const { plan } = context;
  const parts = components(path);
  if (present >= parts.length) {
    openInRoot(context, path, { flags: 0, result });
    return;
  }
  const missing = plan.label();
  const reopen = plan.label();
  const done = plan.label();
  openInRoot(context, path, { flags: 0, result, on: { ENOENT: missing } });
  plan.jump(done);
  plan.place(missing);
  ensureDirectory(context, `/${parts.slice(0, -1).join('/')}`, result, { present });
  // mknod rather than open: what is made is never opened by name (it could be a link or a device by then).
  plan.call('mknodat', [plan.slotRef(result), parts.at(-1) ?? '', plan.value(0o100644, 'S_IFREG|0644'), 0], {
    on: { EEXIST: reopen },
  });
  plan.place(reopen);
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
  change: {
    readonly set?: number;
    readonly clear?: number;
    readonly propagation?: number;
    readonly recursive?: boolean;
    /** With MOUNT_ATTR_IDMAP: the user namespace. */
    readonly users?: Descriptor;
  },
): void {
  const { set = 0, clear = 0, propagation = 0, recursive = false, users } = change;
  const attributes = structure(plan, `attr ${set} ${clear} ${propagation} ${users?.fd ?? 0}`, () =>
    plan.constant(mountAttr(set, clear, propagation, users?.fd), attrText(set, clear, propagation, users)),
  );
  const flags = recursive
    ? plan.value(AT_EMPTY_PATH | AT_RECURSIVE, 'AT_EMPTY_PATH|AT_RECURSIVE')
    : plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
  plan.call('mount_setattr', [mount, '', flags, attributes, MOUNT_ATTR_SIZE]);
}

/** Maps the ids of the open mount, which is not attached yet. */
export function mapIds(plan: PlanBuilder, mount: Argument, { users, recursive, step }: IdMap): void {
  plan.step(step, () => setAttributes(plan, mount, { set: MOUNT_ATTR_IDMAP, users, recursive }));
}

/** 64 bits, little-endian: what a load gives to a slot. */
export function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value), 0);
  return bytes;
}

/** An 8-byte message to the runtime. */
export function send(context: ProcessContext, name: string, kind: number): void {
  const { plan, report } = context;
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(kind, 0);
  plan.call('write', [plan.slotRef(report), plan.constant(bytes, `{${name}}`), 8]);
}
