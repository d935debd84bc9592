// The file that --pid-file names, as container/pid-file.ts writes it. Its place is taken before the program is begun: what could go wrong is known then.

import type { DataRef, Slot } from '../init/plan.ts';
import { branchUnlessType } from '../init/steps/device-type.ts';
import { AT_FDCWD, O_CLOEXEC, O_CREAT, O_EXCL, O_WRONLY } from '../linux/mount-constants.ts';
import { S_IF, STATX, STATX_MASK } from '../linux/statx.ts';
import { type CommandLine, copyUntil, type Front, ref, set, writeDecimal } from './words.ts';

const PATH_MAX = 4096;
const SUFFIX = '.runt-';
/** As many digits as a pid may have, and more. */
const ROOM = '0000000000';

export interface PidFile {
  /** Address of its path; 0: none is asked for. */
  readonly path: Slot;
  readonly temporary: DataRef;
  readonly fd: Slot;
}

export function preparePidFile(front: Front, { pidFile: path }: CommandLine): PidFile {
  const { plan, engine } = front;
  const temporary = plan.variable(PATH_MAX + 64, '{temporary}');
  const fd = plan.slot();
  const none = plan.label();
  plan.branch(path, 'equal', 0, none);
  plan.step({ sentence: 'take the place of the pid file' }, () => {
    const [from, to, number] = [plan.slot(), plan.slot(), plan.slot()];
    requireShort(front, path);
    refuseDirectory(front, path);
    set(front, from, ref(front, path));
    set(front, to, temporary);
    copyUntil(front, from, to, '\0');
    set(front, from, plan.string(SUFFIX));
    copyUntil(front, from, to, '\0');
    plan.call('getpid', [], { result: number });
    writeDecimal(front, number, to);
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    plan.call('openat', [AT_FDCWD, temporary, flags, 0o644], { result: fd });
    const failed = plan.label();
    const written = plan.label();
    plan.call('write', [ref(front, fd), ROOM, ROOM.length], { result: number, ignoreErrors: true });
    plan.branch(number, 'notEqual', ROOM.length, failed);
    plan.jump(written);
    plan.place(failed);
    plan.call('unlinkat', [AT_FDCWD, temporary, 0], { ignoreErrors: true });
    plan.jump(engine);
    plan.place(written);
    for (const slot of [from, to, number]) plan.free(slot);
  });
  plan.place(none);
  return { path, temporary, fd };
}

/** Nothing could be renamed to it. */
function refuseDirectory(front: Front, path: Slot): void {
  const { plan, engine } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const other = plan.label();
  plan.withSlot((type) => {
    const mask = plan.value(STATX_MASK.type, 'STATX_TYPE');
    plan.call('statx', [AT_FDCWD, ref(front, path), 0, mask, found], { result: type, ignoreErrors: true });
    plan.branch(type, 'less', 0, other);
    branchUnlessType(plan, found, type, S_IF.directory, other);
    plan.jump(engine);
  });
  plan.place(other);
}

function requireShort(front: Front, path: Slot): void {
  const { plan, engine } = front;
  const [at, byte, end] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, done] = [plan.label(), plan.label()];
  set(front, at, ref(front, path));
  set(front, end, ref(front, path));
  plan.add(end, PATH_MAX);
  plan.place(again);
  plan.branch(at, 'greaterOrEqual', ref(front, end), engine);
  plan.load(byte, plan.at(at), 1);
  plan.add(at, 1);
  plan.branch(byte, 'equal', 0, done);
  plan.jump(again);
  plan.place(done);
  for (const slot of [at, byte, end]) plan.free(slot);
}

/** Whoever waits for the file never reads a part of it. */
export function writePidFile(front: Front, { path, temporary, fd }: PidFile, pid: Slot, failed: () => void): void {
  const { plan } = front;
  const [none, bad, good] = [plan.label(), plan.label(), plan.label()];
  plan.branch(path, 'equal', 0, none);
  plan.step({ sentence: 'write the pid file' }, () => {
    const text = plan.variable(16, '{pid}');
    const [number, to, result] = [plan.slot(), plan.slot(), plan.slot()];
    set(front, number, ref(front, pid));
    set(front, to, text);
    writeDecimal(front, number, to);
    plan.add(to, -plan.address(text));
    const attempt = (name: 'pwrite64' | 'ftruncate' | 'renameat2', args: Parameters<typeof plan.call>[1]): void => {
      plan.call(name, args, { result, ignoreErrors: true });
      plan.branch(result, 'less', 0, bad);
    };
    attempt('pwrite64', [ref(front, fd), text, ref(front, to), 0]);
    attempt('ftruncate', [ref(front, fd), ref(front, to)]);
    plan.call('close', [ref(front, fd)], { ignoreErrors: true });
    attempt('renameat2', [AT_FDCWD, temporary, AT_FDCWD, ref(front, path), 0]);
    plan.jump(good);
    plan.place(bad);
    plan.call('unlinkat', [AT_FDCWD, temporary, 0], { ignoreErrors: true });
    failed();
    plan.place(good);
    for (const slot of [number, to, result]) plan.free(slot);
  });
  plan.place(none);
}

export function discardPidFile({ plan }: Front, { path, temporary }: PidFile): void {
  const none = plan.label();
  plan.branch(path, 'equal', 0, none);
  plan.call('unlinkat', [AT_FDCWD, temporary, 0], { ignoreErrors: true });
  plan.place(none);
}
