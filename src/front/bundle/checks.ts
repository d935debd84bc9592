// Whether everything still is as it was when the bundle was prepared. Nothing is changed; what differs is the engine's.

import type { Argument } from '../../init/builder.ts';
import type { DataRef, Slot } from '../../init/plan.ts';
import { IN_ROOT } from '../../init/steps/context.ts';
import { branchUnlessType } from '../../init/steps/device-type.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  OPEN_HOW_SIZE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  openHow,
  RESOLVE_NO_SYMLINKS,
} from '../../linux/mount-constants.ts';
import { S_IF, STATX, STATX_MASK } from '../../linux/statx.ts';
import { type CommandLine, expectString, type Front, ref, set } from '../words.ts';
import { BOOT_FILE, type Bundle, ID_ROOM } from './description.ts';

const LONGEST_PATH = 4096;

/** `given`: the address of the bundle's path; 0: the working directory. Returns a slot with a copy of the root's tree. */
export function checkBundle(front: Front, line: CommandLine, given: Slot, bundle: Bundle): Slot {
  const { plan } = front;
  plan.step({ sentence: 'see that it is this bundle' }, () => checkPlace(front, given, bundle.directory));
  plan.step({ sentence: 'see that there is room for the id' }, () => checkLength(front, line.id));
  plan.step({ sentence: 'see that the config is the same' }, () => {
    const config = `${bundle.directory}/config.json`;
    expectRegular(front, config);
    expectFile(front, AT_FDCWD, config, bundle.config);
  });
  plan.step({ sentence: 'see that the caller is where it was' }, () => checkCaller(front, bundle));
  plan.step({ sentence: 'see whether the host has a /proc/kcore' }, () =>
    expectPresence(front, bundle.kcore, (on) => plan.call('faccessat', [AT_FDCWD, '/proc/kcore', 0], on)),
  );
  for (const { path, isDirectory } of bundle.sources)
    plan.step({ sentence: `see that ${path} is what it was` }, () => checkSource(front, path, isDirectory));
  const tree = plan.slot();
  plan.step({ sentence: 'copy the root' }, () => copyRoot(front, bundle.root, tree));
  for (const { path, exists } of bundle.mountPoints)
    plan.step({ sentence: `see whether the image has ${path}` }, () => {
      const how = plan.constant(openHow(O_PATH | O_CLOEXEC, IN_ROOT | RESOLVE_NO_SYMLINKS), '{how}');
      plan.withSlot((fd) => {
        expectPresence(front, exists, (on) =>
          plan.call('openat2', [ref(front, tree), path, how, OPEN_HOW_SIZE], { result: fd, ...on }),
        );
        if (exists) plan.call('close', [ref(front, fd)]);
      });
    });
  plan.step({ sentence: 'see that HOME is as it was' }, () => checkHome(front, tree, bundle.passwd));
  return tree;
}

function checkPlace(front: Front, given: Slot, directory: string): void {
  const { plan, engine } = front;
  const known = plan.label();
  plan.withSlot((path) => {
    set(front, path, ref(front, given));
    plan.branch(path, 'notEqual', 0, known);
    const working = plan.variable(LONGEST_PATH, '{path}');
    plan.call('getcwd', [working, LONGEST_PATH]);
    set(front, path, working);
    plan.place(known);
    expectString(front, path, directory, engine);
  });
}

function checkLength(front: Front, id: Slot): void {
  const { plan, engine } = front;
  const [again, done] = [plan.label(), plan.label()];
  const [at, byte, end] = [plan.slot(), plan.slot(), plan.slot()];
  set(front, at, ref(front, id));
  set(front, end, ref(front, id));
  plan.add(end, ID_ROOM);
  plan.place(again);
  plan.branch(at, 'greaterOrEqual', ref(front, end), engine);
  plan.load(byte, plan.at(at), 1);
  plan.branch(byte, 'equal', 0, done);
  plan.add(at, 1);
  plan.jump(again);
  plan.place(done);
  for (const slot of [at, byte, end]) plan.free(slot);
}

/** Opening what is none may have effects, or wait. */
function expectRegular({ plan, engine }: Front, path: string): void {
  const found = plan.variable(STATX.sizeOf, '{statx}');
  plan.call('statx', [AT_FDCWD, path, 0, plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS'), found]);
  plan.withSlot((value) => branchUnlessType(plan, found, value, S_IF.regular, engine));
}

/** It can be read, at once, and has exactly these bytes. */
export function expectFile(front: Front, directory: Argument, path: Argument, bytes: Uint8Array): void {
  const { plan, engine } = front;
  const found = plan.variable(bytes.length + 8, '{text}');
  const [fd, length] = [plan.slot(), plan.slot()];
  plan.call('openat', [directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC], { result: fd });
  // One byte more: a longer file has it.
  plan.call('read', [ref(front, fd), found, bytes.length + 1], { result: length });
  plan.call('close', [ref(front, fd)]);
  plan.branch(length, 'notEqual', bytes.length, engine);
  expectSame(front, found, bytes);
  for (const slot of [fd, length]) plan.free(slot);
}

/** Word by word; what is behind the bytes, in both, is zero. */
function expectSame(front: Front, found: DataRef, bytes: Uint8Array): void {
  const { plan, engine } = front;
  const padded = new Uint8Array((bytes.length + 8) & ~7);
  padded.set(bytes);
  const expected = plan.constant(padded, '{text}', 8);
  const [at, other, word, known] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const again = plan.label();
  set(front, at, found);
  set(front, other, expected);
  plan.place(again);
  plan.load(word, plan.at(at));
  plan.load(known, plan.at(other));
  plan.branch(word, 'notEqual', ref(front, known), engine);
  plan.add(at, 8);
  plan.add(other, 8);
  plan.branch(other, 'less', plan.address(expected) + BigInt(padded.length), again);
  for (const slot of [at, other, word, known]) plan.free(slot);
}

function checkCaller(front: Front, { boot, namespaces, memberships }: Bundle): void {
  const { plan, engine } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  plan.withSlot((value) => {
    for (const call of ['getuid', 'geteuid'] as const) {
      plan.call(call, [], { result: value });
      plan.branch(value, 'notEqual', 0, engine);
    }
    for (const { path, inode } of namespaces) {
      plan.call('statx', [AT_FDCWD, path, 0, plan.value(STATX_MASK.inode, 'STATX_INO'), found]);
      plan.load(value, plan.addressOf(found, STATX.inode));
      plan.branch(value, 'notEqual', inode, engine);
    }
  });
  expectFile(front, AT_FDCWD, BOOT_FILE, boot);
  expectFile(front, AT_FDCWD, '/proc/self/cgroup', memberships);
}

/** `look`: a call that is successful where it is there, and meets ENOENT where it is not. */
function expectPresence(front: Front, exists: boolean, look: (on: object) => void): void {
  const { plan, engine } = front;
  const [absent, known] = [plan.label(), plan.label()];
  look({ on: { ENOENT: exists ? engine : absent } });
  plan.jump(exists ? known : engine);
  plan.place(absent);
  plan.place(known);
}

function checkSource(front: Front, path: string, isDirectory: boolean): void {
  const { plan, engine } = front;
  const [other, known] = [plan.label(), plan.label()];
  plan.withSlot((fd) => {
    const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    plan.call('openat', [AT_FDCWD, path, flags], { result: fd, on: { ENOTDIR: isDirectory ? engine : other } });
    plan.call('close', [ref(front, fd)]);
  });
  plan.jump(isDirectory ? known : engine);
  plan.place(other);
  plan.place(known);
}

function copyRoot(front: Front, path: string, tree: Slot): void {
  const { plan } = front;
  plan.withSlot((place) => {
    const how = plan.constant(openHow(O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS), '{how}');
    plan.call('openat2', [AT_FDCWD, path, how, OPEN_HOW_SIZE], { result: place });
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
    plan.call('open_tree', [ref(front, place), '', flags], { result: tree });
    plan.call('close', [ref(front, place)]);
  });
}

/** The file that HOME was looked up in: nothing of it is read. */
function checkHome(front: Front, tree: Slot, passwd: Bundle['passwd']): void {
  if (passwd === undefined) return;
  const { plan, engine } = front;
  const how = plan.constant(openHow(O_PATH | O_CLOEXEC, IN_ROOT | RESOLVE_NO_SYMLINKS), '{how}');
  plan.withSlot((fd) => {
    expectPresence(front, passwd !== 'none', (on) =>
      plan.call('openat2', [ref(front, tree), '/etc/passwd', how, OPEN_HOW_SIZE], { result: fd, ...on }),
    );
    if (passwd === 'none') return;
    const found = plan.variable(STATX.sizeOf, '{statx}');
    const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
    plan.call('statx', [ref(front, fd), '', AT_EMPTY_PATH, mask, found]);
    plan.call('close', [ref(front, fd)]);
    for (const [at, width, expected] of [
      [STATX.inode, 8, passwd.inode],
      [STATX.fileSystem, 4, passwd.major],
      [STATX.fileSystem + 4, 4, passwd.minor],
      [STATX.changeTime, 8, passwd.seconds],
      [STATX.changeTime + 8, 4, passwd.nanoseconds],
    ] as const) {
      plan.load(fd, plan.addressOf(found, at), width);
      plan.branch(fd, 'notEqual', expected, engine);
    }
  });
}
