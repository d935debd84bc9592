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
  const record = plan.variable(LARGEST, '{record}');
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
  plan.step({ sentence: 'read what the front must know' }, () => {
    const [fd, size, found] = [plan.slot(), plan.slot(), plan.slot()];
    plan.call('openat', [ref(front, directory), FRONT_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC], { result: fd });
    plan.call('read', [ref(front, fd), record, LARGEST], { result: size });
    plan.branch(size, 'less', OFFSET.entries + 8, engine);
    plan.load(found, record);
    plan.branch(found, 'notEqual', MAGIC, engine);
    plan.load(found, plan.addressOf(record, OFFSET.size));
    plan.branch(found, 'notEqual', ref(front, size), engine);
    plan.load(flags, plan.addressOf(record, OFFSET.flags));
    for (const slot of [fd, size, found]) plan.free(slot);
  });
  return { root, directory, record, flags };
}

/** Goes to the engine unless the flag is set. */
export function requireFlag(front: Front, { flags }: Container, flag: bigint): void {
  const { plan, engine } = front;
  const set = plan.label();
  for (let all = 0n; all <= EVERY_FLAG; all++) if ((all & flag) !== 0n) plan.branch(flags, 'equal', all, set);
  plan.jump(engine);
  plan.place(set);
}
