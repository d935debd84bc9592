// `delete`, as container/delete.ts does it, for a container whose init has ended.

import type { Slot } from '../init/plan.ts';
import { AT_FDCWD } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import { type Container, lockContainer, requireFlag } from './container.ts';
import { STATE_FILE } from './names.ts';
import { ENTRY, FLAG, OFFSET } from './record.ts';
import { type CommandLine, expectString, type Front, pollEntry, ref, set } from './words.ts';

const AT_REMOVEDIR = 0x200;
/** poll(2) */
const POLLIN = 1;
/** Of struct linux_dirent64 (getdents64(2)). */
const D_RECLEN = 16;
const D_NAME = 19;
const DIRECTORY_SIZE = 4096;

/** Goes on with `done` when nothing of the container is left. */
export function deleteQuickly(front: Front, line: CommandLine, container: Container, done: () => void): void {
  const { plan } = front;
  lockContainer(front, container);
  requireFlag(front, container, FLAG.delete);
  plan.step({ sentence: 'see that init has ended' }, () => expectEnd(front, container));
  plan.step({ sentence: 'remove the control groups' }, () => removeCgroups(front, container));
  plan.step({ sentence: 'remove the state' }, () => removeState(front, line, container));
  plan.step({ sentence: 'the container is deleted' }, done);
}

/** No living process has its pid. Where one has, it may be another by now: the engine looks. */
function expectEnd(front: Front, { record }: Container): void {
  const { plan, engine } = front;
  const ended = plan.label();
  plan.withSlot((slot) => {
    plan.load(slot, plan.addressOf(record, OFFSET.pid));
    plan.call('pidfd_open', [ref(front, slot), 0], { result: slot, on: { ESRCH: ended } });
    // A pidfd can be read from when the process has ended, also if nobody has waited for it yet (pidfd_open(2)).
    const poll = pollEntry(front, ref(front, slot), POLLIN);
    plan.call('ppoll', [poll, 1, plan.constant(new Uint8Array(16), '{0 s}'), 0], { result: slot });
    plan.branch(slot, 'equal', 1, ended);
  });
  plan.jump(engine);
  plan.place(ended);
}

/** As container's engine does: only the directory that was made, known by its inode; what is busy is the engine's. */
function removeCgroups(front: Front, { record }: Container): void {
  const { plan, engine } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const [entry, size, path, inode, there] = [plan.slot(), plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [again, next, own, done] = [plan.label(), plan.label(), plan.label(), plan.label()];
  set(front, entry, plan.addressOf(record, OFFSET.entries));
  plan.place(again);
  plan.load(size, plan.at(entry, ENTRY.size));
  plan.branch(size, 'equal', 0, done);
  set(front, path, ref(front, entry));
  plan.add(path, ENTRY.path);
  plan.load(inode, plan.at(entry, ENTRY.inode));
  plan.branch(inode, 'notEqual', 0, own);
  // A parent: where others have come to use it, the engine finds one of them to give it to.
  plan.call('unlinkat', [AT_FDCWD, ref(front, path), AT_REMOVEDIR], { on: { ENOENT: next } });
  plan.jump(next);
  plan.place(own);
  plan.call('statx', [AT_FDCWD, ref(front, path), 0, plan.value(STATX_MASK.inode, 'STATX_INO'), found], {
    on: { ENOENT: next },
  });
  plan.load(there, plan.addressOf(found, STATX.inode));
  plan.branch(there, 'notEqual', ref(front, inode), engine);
  plan.call('unlinkat', [AT_FDCWD, ref(front, path), AT_REMOVEDIR], { on: { ENOENT: next } });
  plan.place(next);
  plan.add(entry, ref(front, size));
  plan.jump(again);
  plan.place(done);
  for (const slot of [entry, size, path, inode, there]) plan.free(slot);
}

/** The state goes last: if something is in the way, the engine still finds it. */
function removeState(front: Front, line: CommandLine, { root, directory }: Container): void {
  const { plan } = front;
  const entries = plan.variable(DIRECTORY_SIZE, '{directory}');
  const [at, end, length] = [plan.slot(), plan.slot(), plan.slot()];
  const [list, again, next, done] = [plan.label(), plan.label(), plan.label(), plan.label()];
  plan.place(list);
  plan.call('getdents64', [ref(front, directory), entries, DIRECTORY_SIZE], { result: length });
  plan.branch(length, 'equal', 0, done);
  set(front, at, entries);
  set(front, end, entries);
  plan.add(end, ref(front, length));
  plan.place(again);
  removeEntry(front, directory, at, next);
  plan.place(next);
  plan.load(length, plan.at(at, D_RECLEN), 2);
  plan.add(at, ref(front, length));
  plan.branch(at, 'less', ref(front, end), again);
  plan.jump(list);
  plan.place(done);
  plan.call('unlinkat', [ref(front, directory), STATE_FILE, 0]);
  plan.call('unlinkat', [ref(front, root), ref(front, line.id), AT_REMOVEDIR]);
  for (const slot of [at, end, length]) plan.free(slot);
}

function removeEntry(front: Front, directory: Slot, entry: Slot, next: ReturnType<Front['plan']['label']>): void {
  const { plan } = front;
  const name = plan.slot();
  set(front, name, ref(front, entry));
  plan.add(name, D_NAME);
  for (const kept of ['.', '..', STATE_FILE]) {
    const other = plan.label();
    expectString(front, name, kept, other);
    plan.jump(next);
    plan.place(other);
  }
  plan.call('unlinkat', [ref(front, directory), ref(front, name), 0]);
  plan.free(name);
}
