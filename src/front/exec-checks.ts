// What an engine has prepared for exec (exec-record.ts), and whether everything still is as it was then. What is missing or out of date is to be
// prepared anew (`stale`); whatever else is not as expected is the engine's.

import type { DataRef, Label, Slot } from '../init/plan.ts';
import { IN_ROOT } from '../init/steps/context.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  OPEN_HOW_SIZE,
  openHow,
} from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import type { Container } from './container.ts';
import { copyImage } from './exec-image.ts';
import { ENTRY, EXEC_FILE, LARGEST, MAGIC, OFFSET, PROCESS_FILE, thisBuild } from './exec-record.ts';
import { OFFSET as CONTAINER_OFFSET } from './record.ts';
import { expectStartTime } from './start-time.ts';
import { type CommandLine, type Front, ref, set } from './words.ts';

export interface Prepared {
  readonly record: DataRef;
  readonly file: Slot;
  /** Of init. */
  readonly pidfd: Slot;
  /** The launcher's image, sealed. */
  readonly memory: Slot;
}

export function readPrepared(front: Front, line: CommandLine, container: Container, stale: Label): Prepared {
  const { directory } = container;
  const { plan, engine } = front;
  const record = plan.variable(LARGEST, '{exec}');
  const [file, found] = [plan.slot(), plan.slot()];
  plan.step({ sentence: 'read what is prepared for exec' }, () => {
    const [own, opened] = [plan.label(), plan.label()];
    const open = (name: string): void => {
      const flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
      plan.call('openat', [ref(front, directory), name, flags], { result: file, on: { ENOENT: stale } });
    };
    plan.branch(line.description, 'equal', 0, own);
    open(PROCESS_FILE);
    plan.jump(opened);
    plan.place(own);
    open(EXEC_FILE);
    plan.place(opened);
    // Not the image, which is copied elsewhere: what is read stays in memory as long as the front.
    plan.call('read', [ref(front, file), record, OFFSET.entries], { result: found });
    plan.branch(found, 'notEqual', OFFSET.entries, engine);
    plan.withSlot((rest) => {
      plan.load(rest, plan.addressOf(record, OFFSET.header));
      plan.branch(rest, 'less', OFFSET.entries + 8, engine);
      plan.branch(rest, 'greaterOrEqual', LARGEST + 1, engine);
      plan.add(rest, -OFFSET.entries);
      const entries = plan.addressOf(record, OFFSET.entries);
      plan.call('read', [ref(front, file), entries, ref(front, rest)], { result: found });
      plan.branch(found, 'notEqual', ref(front, rest), engine);
    });
    for (const [at, expected] of [
      [0, MAGIC],
      [OFFSET.build, thisBuild()],
    ] as const) {
      plan.load(found, plan.addressOf(record, at));
      plan.branch(found, 'notEqual', expected, stale);
    }
  });
  plan.step({ sentence: 'see that it is for this init' }, () => {
    plan.load(found, plan.addressOf(record, OFFSET.pid));
    plan.withSlot((pid) => {
      plan.load(pid, plan.addressOf(container.record, CONTAINER_OFFSET.pid));
      plan.branch(found, 'notEqual', ref(front, pid), stale);
    });
  });
  plan.free(found);
  return { record, file, pidfd: plan.slot(), memory: plan.slot() };
}

/** Opens init and the image. */
export function checkHost(front: Front, prepared: Prepared, stale: Label): void {
  const { plan } = front;
  plan.step({ sentence: 'see that the caller and init are where they were' }, () =>
    checkNamespaces(front, prepared, stale),
  );
  plan.step({ sentence: 'see that the container is not paused' }, () => checkExpected(front, prepared));
  plan.step({ sentence: 'hold init' }, () => {
    plan.withSlot((pid) => {
      plan.load(pid, plan.addressOf(prepared.record, OFFSET.pid));
      plan.call('pidfd_open', [ref(front, pid), 0], { result: prepared.pidfd });
    });
  });
  plan.step({ sentence: 'see that HOME is as it was' }, () => checkPasswd(front, prepared, stale));
  plan.step({ sentence: 'put the launcher into memory' }, () => copyImage(front, prepared));
  // Last: if the pid still is init's, it was so all the time (container/exec-target.ts).
  // One that has ended can't be joined, and is found out by setns.
  plan.step({ sentence: 'see that it is init' }, () => {
    const { record } = prepared;
    expectStartTime(front, plan.addressOf(record, OFFSET.stat), plan.addressOf(record, OFFSET.startTime));
  });
}

function checkNamespaces(front: Front, { record }: Prepared, stale: Label): void {
  const { plan, engine } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const [one, other] = [plan.slot(), plan.slot()];
  plan.call('geteuid', [], { result: one });
  plan.branch(one, 'notEqual', 0, engine);
  // Init's own decide which are joined: one that has moved into a user namespace since is not to be followed into others without it.
  for (const [path, at] of [
    ['/proc/self/ns/user', OFFSET.userNamespace],
    ['/proc/self/ns/time', OFFSET.timeNamespace],
    [plan.addressOf(record, OFFSET.userPath), OFFSET.initsUserNamespace],
    [plan.addressOf(record, OFFSET.timePath), OFFSET.initsTimeNamespace],
  ] as const) {
    const [absent, known] = [plan.label(), plan.label()];
    plan.call('statx', [AT_FDCWD, path, 0, plan.value(STATX_MASK.inode, 'STATX_INO'), found], {
      on: { ENOENT: absent },
    });
    plan.load(one, plan.addressOf(found, STATX.inode));
    plan.jump(known);
    plan.place(absent);
    set(front, one, 0);
    plan.place(known);
    plan.load(other, plan.addressOf(record, at));
    plan.branch(one, 'notEqual', ref(front, other), stale);
  }
  plan.free(one);
  plan.free(other);
}

/** The entries without a number. */
function checkExpected(front: Front, { record }: Prepared): void {
  const { plan, engine } = front;
  const [entry, size, value, fd] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [again, done] = [plan.label(), plan.label()];
  const byte = plan.variable(8, '{byte}');
  set(front, entry, plan.addressOf(record, OFFSET.entries));
  plan.place(again);
  plan.load(size, plan.at(entry, ENTRY.size));
  plan.branch(size, 'equal', 0, done);
  plan.load(value, plan.at(entry, ENTRY.number));
  plan.branch(value, 'notEqual', 0, done);
  set(front, value, ref(front, entry));
  plan.add(value, ENTRY.path);
  plan.call('openat', [AT_FDCWD, ref(front, value), O_RDONLY | O_CLOEXEC], { result: fd });
  plan.call('read', [ref(front, fd), byte, 1], { result: value });
  plan.branch(value, 'notEqual', 1, engine);
  plan.call('close', [ref(front, fd)]);
  plan.load(value, byte, 1);
  plan.load(fd, plan.at(entry, ENTRY.flags));
  plan.branch(value, 'notEqual', ref(front, fd), engine);
  plan.add(entry, ref(front, size));
  plan.jump(again);
  plan.place(done);
  for (const slot of [entry, size, value, fd]) plan.free(slot);
}

/** The file that HOME was looked up in: nothing of it is read. */
function checkPasswd(front: Front, { record }: Prepared, stale: Label): void {
  const { plan } = front;
  const [fd, one, other] = [plan.slot(), plan.slot(), plan.slot()];
  const [asItWas, absent] = [plan.label(), plan.label()];
  plan.load(one, plan.addressOf(record, OFFSET.home));
  plan.branch(one, 'equal', 0, asItWas);
  plan.load(other, plan.addressOf(record, OFFSET.passwd));
  const root = plan.addressOf(record, OFFSET.root);
  plan.call('openat', [AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC], { result: fd });
  const how = plan.constant(openHow(O_PATH | O_CLOEXEC, IN_ROOT), '{how}');
  plan.call('openat2', [ref(front, fd), '/etc/passwd', how, OPEN_HOW_SIZE], { result: one, on: { ENOENT: absent } });
  plan.branch(other, 'equal', 0, stale);
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
  plan.call('statx', [ref(front, one), '', AT_EMPTY_PATH, mask, found]);
  plan.call('close', [ref(front, one)]);
  plan.call('close', [ref(front, fd)]);
  for (const [of, width, at] of [
    [STATX.inode, 8, OFFSET.passwd],
    [STATX.fileSystem, 8, OFFSET.device],
    [STATX.changeTime, 8, OFFSET.seconds],
    [STATX.changeTime + 8, 4, OFFSET.nanoseconds],
  ] as const) {
    plan.load(one, plan.addressOf(found, of), width);
    plan.load(other, plan.addressOf(record, at));
    plan.branch(one, 'notEqual', ref(front, other), stale);
  }
  plan.jump(asItWas);
  plan.place(absent);
  plan.branch(other, 'notEqual', 0, stale);
  plan.place(asItWas);
  for (const slot of [fd, one, other]) plan.free(slot);
}
