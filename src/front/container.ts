// The container of the command line: its state directory, and the record in it that is the front's.

import type { DataRef, Slot } from '../init/plan.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../linux/mount-constants.ts';
import { EVERY_FLAG, FRONT_FILE, LARGEST, MAGIC, OFFSET } from './record.ts';
import { type CommandLine, exit, type Front, ref } from './words.ts';

/** flock(2) */
const LOCK_EX = 2;

export interface Container {
  /** Descriptors. */
  readonly root: Slot;
  readonly directory: Slot;
  readonly record: DataRef;
  readonly flags: Slot;
}

/** Goes on only where there is a record. With --force it is no error that there is no container. */
export function openContainer(front: Front, line: CommandLine): Container {
  const { plan, engine } = front;
  const [root, directory, flags] = [plan.slot(), plan.slot(), plan.slot()];
  // A text in it ends in it, whatever the file has.
  const record = plan.variable(LARGEST + 8, '{record}');
  plan.step({ sentence: 'open the state directory of the container' }, () => {
    plan.call('openat', [AT_FDCWD, ref(front, line.root), O_PATH | O_DIRECTORY | O_CLOEXEC], { result: root });
    // An O_PATH descriptor would not list what is in the directory.
    const how = openHow(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    const [absent, there] = [plan.label(), plan.label()];
    plan.call('openat2', [ref(front, root), ref(front, line.id), plan.constant(how, '{how}'), OPEN_HOW_SIZE], {
      result: directory,
      on: { ENOENT: absent },
    });
    plan.jump(there);
    plan.place(absent);
    plan.branch(line.force, 'equal', 0, engine);
    exit(front, 0);
    plan.place(there);
  });
  const container = { root, directory, record, flags };
  plan.step({ sentence: 'read what the front must know' }, () => readRecord(front, container));
  return container;
}

function readRecord(front: Front, { directory, record, flags }: Container): void {
  const { plan, engine } = front;
  const [fd, size, found] = [plan.slot(), plan.slot(), plan.slot()];
  plan.call('openat', [ref(front, directory), FRONT_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC], { result: fd });
  plan.call('read', [ref(front, fd), record, LARGEST], { result: size });
  plan.call('close', [ref(front, fd)]);
  plan.branch(size, 'less', OFFSET.entries + 8, engine);
  plan.load(found, record);
  plan.branch(found, 'notEqual', MAGIC, engine);
  plan.load(found, plan.addressOf(record, OFFSET.size));
  plan.branch(found, 'notEqual', ref(front, size), engine);
  plan.load(flags, plan.addressOf(record, OFFSET.flags));
  for (const slot of [fd, size, found]) plan.free(slot);
}

/** From here on nobody else deletes it, or gives it something to delete (container/state-lock.ts); what was given before is read now. */
export function lockContainer(front: Front, container: Container): void {
  const { plan } = front;
  plan.step({ sentence: 'lock the state directory' }, () => {
    plan.call('flock', [ref(front, container.directory), plan.value(LOCK_EX, 'LOCK_EX')]);
    readRecord(front, container);
  });
}

/** Goes to the engine where the record has no such place; the slot gets its address. `field`: of OFFSET, that says where. */
export function loadPlace(front: Front, { record }: Container, field: number, place: Slot): void {
  const { plan, engine } = front;
  plan.load(place, plan.addressOf(record, field));
  plan.branch(place, 'less', OFFSET.entries, engine);
  plan.branch(place, 'greaterOrEqual', LARGEST, engine);
  plan.add(place, record);
}

/** Goes to the engine unless the flag is set. */
export function requireFlag(front: Front, { flags }: Container, flag: bigint): void {
  const { plan, engine } = front;
  const set = plan.label();
  for (let all = 0n; all <= EVERY_FLAG; all++) if ((all & flag) !== 0n) plan.branch(flags, 'equal', all, set);
  plan.jump(engine);
  plan.place(set);
}
