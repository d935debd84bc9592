// The control groups of a container whose config was seen before: container/make-cgroups.ts, decided.

import type { DataRef, Slot } from '../../init/plan.ts';
import { ATTACHMENT, BPF, BPF_ATTRIBUTE_SIZE, deviceAttachment, deviceProgram, LICENSE } from '../../linux/bpf.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from '../../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../../linux/statx.ts';
import { ENTRY, entrySize, OFFSET } from '../record.ts';
import { type Front, ref, set } from '../words.ts';
import { expectFile } from './checks.ts';
import { type Bundle, type BundleCgroup, ID_ROOM, NUMBER } from './description.ts';
import { UNKNOWN, withRoom } from './record.ts';
import type { Texts } from './text.ts';

const AT_REMOVEDIR = 0x200;
/** A line of numbers: `0-3,8`. */
const LONGEST_LIST = 1024;
const MODE = 0o755;

/** In the front's record, whose entries are these groups in the order in which they are removed. */
export interface CgroupPlace {
  readonly group: BundleCgroup;
  readonly path: DataRef;
  readonly inode: DataRef;
}

/** The record's bytes, with room for the id in its paths, and where in them the groups are. */
export function placesOf(front: Front, { cgroups }: Bundle, record: DataRef): readonly CgroupPlace[] {
  const { plan } = front;
  let at: number = OFFSET.entries;
  return cgroups.map((group) => {
    const place: CgroupPlace = {
      group,
      path: plan.addressOf(record, at + ENTRY.path),
      inode: plan.addressOf(record, at + ENTRY.inode),
    };
    at += entrySize(withRoom(group));
    return place;
  });
}

/** `id`: ID_ROOM bytes. */
export function writePaths(front: Front, places: readonly CgroupPlace[], id: DataRef): void {
  const { plan } = front;
  const ends = places.flatMap(({ group, path }) =>
    group.endsWithId ? [plan.addressOf(path, Buffer.byteLength(group.path))] : [],
  );
  if (ends.length === 0) return;
  const table = plan.pointers([...ends, null], '{ends of paths}');
  const [at, to, word] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, done] = [plan.label(), plan.label()];
  set(front, at, table);
  plan.place(again);
  plan.load(to, plan.at(at));
  plan.branch(to, 'equal', 0, done);
  for (let offset = 0; offset < ID_ROOM; offset += 8) {
    plan.load(word, plan.addressOf(id, offset));
    plan.store(word, plan.at(to, offset));
  }
  plan.add(at, 8);
  plan.jump(again);
  plan.place(done);
  for (const slot of [at, to, word]) plan.free(slot);
}

/** `made`: how many were, for undoing it. */
export function makeCgroups(front: Front, places: readonly CgroupPlace[], texts: Texts, made: Slot): void {
  const { plan } = front;
  set(front, made, 0);
  places.forEach((place, index) => {
    plan.step({ sentence: `make the cgroup ${place.group.path}` }, () => {
      plan.call('mkdirat', [AT_FDCWD, place.path, MODE]);
      plan.add(made, 1);
      plan.withSlot((directory) => {
        openDirectory(front, place.path, directory);
        keepInode(front, place, directory, index, texts);
        for (const { file, text } of place.group.expected)
          expectFile(front, ref(front, directory), file, Buffer.from(text));
        for (const { from, file } of place.group.inherited) inherit(front, from, directory, file);
        for (const { file, values } of place.group.writes) write(front, directory, file, values);
        if (place.group.deviceFilter !== undefined) attachFilter(front, place.group.deviceFilter, directory);
        keepEntrance(front, place.group, directory, NUMBER.cgroups + index);
        plan.call('close', [ref(front, directory)]);
      });
    });
  });
}

function openDirectory({ plan }: Front, path: DataRef, result: Slot): void {
  const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  plan.call('openat', [AT_FDCWD, path, flags], { result });
}

/** What the launcher enters by is opened now: the path may be another's by then. */
function keepEntrance(front: Front, { version }: BundleCgroup, directory: Slot, number: number): void {
  const { plan } = front;
  plan.withSlot((fd) => {
    if (version === 2) set(front, fd, ref(front, directory));
    else plan.call('openat', [ref(front, directory), 'tasks', O_WRONLY | O_CLOEXEC], { result: fd });
    plan.call('dup3', [ref(front, fd), number, O_CLOEXEC]);
    if (version === 1) plan.call('close', [ref(front, fd)]);
  });
}

function keepInode(front: Front, { inode }: CgroupPlace, directory: Slot, index: number, texts: Texts): void {
  const { plan } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const mask = plan.value(STATX_MASK.inode, 'STATX_INO');
  plan.call('statx', [ref(front, directory), '', AT_EMPTY_PATH, mask, found]);
  plan.withSlot((number) => {
    plan.load(number, plan.addressOf(found, STATX.inode));
    plan.store(number, inode);
    texts.fillNumber(`inode${index}`, number);
  });
}

function inherit(front: Front, from: string, directory: Slot, file: string): void {
  const { plan, engine } = front;
  const list = plan.variable(LONGEST_LIST, '{list}');
  const [fd, length] = [plan.slot(), plan.slot()];
  plan.call('openat', [AT_FDCWD, from, O_RDONLY | O_CLOEXEC], { result: fd });
  plan.call('read', [ref(front, fd), list, LONGEST_LIST], { result: length });
  plan.call('close', [ref(front, fd)]);
  // Empty, or perhaps not all of it.
  plan.branch(length, 'less', 2, engine);
  plan.branch(length, 'equal', LONGEST_LIST, engine);
  plan.call('openat', [ref(front, directory), file, O_WRONLY | O_CLOEXEC], { result: fd });
  plan.call('write', [ref(front, fd), list, ref(front, length)]);
  plan.call('close', [ref(front, fd)]);
  for (const slot of [fd, length]) plan.free(slot);
}

function write(front: Front, directory: Slot, file: string, values: readonly string[]): void {
  const { plan } = front;
  plan.withSlot((fd) => {
    plan.call('openat', [ref(front, directory), file, O_WRONLY | O_CLOEXEC], { result: fd });
    for (const value of values) plan.call('write', [ref(front, fd), value, Buffer.byteLength(value)]);
    plan.call('close', [ref(front, fd)]);
  });
}

function attachFilter(front: Front, instructions: Uint8Array, directory: Slot): void {
  const { plan } = front;
  const code = plan.address(plan.constant(instructions, '{instructions}', 8));
  // The kernel may write to them.
  const loading = plan.variable(
    deviceProgram(code, instructions.length, plan.address(plan.string(LICENSE))),
    '{program}',
    8,
  );
  const attaching = plan.variable(deviceAttachment(), '{attachment}', 8);
  plan.withSlot((program) => {
    plan.call('bpf', [BPF.PROG_LOAD, loading, BPF_ATTRIBUTE_SIZE], { result: program });
    plan.store(directory, plan.addressOf(attaching, ATTACHMENT.directory), 4);
    plan.store(program, plan.addressOf(attaching, ATTACHMENT.program), 4);
    plan.call('bpf', [BPF.PROG_ATTACH, attaching, BPF_ATTRIBUTE_SIZE]);
    plan.call('close', [ref(front, program)]);
  });
}

/** Those that were made, the last first, and are not another's by now. */
export function removeCgroups(front: Front, places: readonly CgroupPlace[], made: Slot): void {
  const { plan } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  places.toReversed().forEach(({ path, inode }, index) => {
    const [next, own] = [plan.label(), plan.label()];
    plan.branch(made, 'less', places.length - index, next);
    const [one, other] = [plan.slot(), plan.slot()];
    plan.load(one, inode);
    plan.branch(one, 'equal', UNKNOWN, own);
    const mask = plan.value(STATX_MASK.inode, 'STATX_INO');
    plan.call('statx', [AT_FDCWD, path, 0, mask, found], { result: other, ignoreErrors: true });
    plan.branch(other, 'less', 0, next);
    plan.load(other, plan.addressOf(found, STATX.inode));
    plan.branch(other, 'notEqual', ref(front, one), next);
    plan.place(own);
    plan.call('unlinkat', [AT_FDCWD, path, AT_REMOVEDIR], { ignoreErrors: true });
    plan.place(next);
    plan.free(one);
    plan.free(other);
  });
}
