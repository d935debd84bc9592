// A `run` of a bundle that an engine has prepared a front for (description.ts): that makes the container, in an engine's place.

import type { Slot } from '../../init/plan.ts';
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
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../../linux/statx.ts';
import { makeSealedMemory, sealMemory } from '../exec-image.ts';
import { readRunWords } from '../run-line.ts';
import { chooseRoot } from '../state-root.ts';
import { type CommandLine, type Front, ref, set, writeDecimal } from '../words.ts';
import { FRONT_FD } from './description.ts';
import { BUNDLES, bundlePrefix, DIRECTORY_MODE, FILE_MODE, SIZE_AT } from './names.ts';

const F_GETFD = 1;

/** `next`: the address of the word `run` in argv. What is not as expected is the engine's. */
export function executePrepared(front: Front, line: CommandLine, next: Slot): void {
  const { plan, engine } = front;
  const bundle = readRunWords(front, line, next);
  chooseRoot(front, line);
  const prefix = Buffer.from(bundlePrefix());
  const initial = Buffer.alloc(prefix.length + 16);
  prefix.copy(initial);
  const name = plan.variable(initial, '"BUILD.INODE"');
  const [file, size] = [plan.slot(), plan.slot()];
  plan.step({ sentence: 'look for what is prepared for the bundle' }, () => {
    const [directory, value] = [plan.slot(), plan.slot()];
    const here = plan.label();
    set(front, directory, AT_FDCWD);
    plan.branch(bundle, 'equal', 0, here);
    const place = O_PATH | O_DIRECTORY | O_CLOEXEC;
    plan.call('openat', [AT_FDCWD, ref(front, bundle), place], { result: directory });
    plan.place(here);
    const found = plan.variable(STATX.sizeOf, '{statx}');
    const inode = plan.value(STATX_MASK.inode, 'STATX_INO');
    plan.call('statx', [ref(front, directory), 'config.json', 0, inode, found]);
    plan.load(value, plan.addressOf(found, STATX.inode), 4);
    plan.withSlot((to) => {
      set(front, to, plan.addressOf(name, prefix.length));
      writeDecimal(front, value, to);
    });
    plan.call('openat', [AT_FDCWD, ref(front, line.root), place], { result: directory });
    openInside(front, directory, BUNDLES, O_PATH | O_DIRECTORY, value);
    expectOwn(front, value, DIRECTORY_MODE);
    openInside(front, value, name, O_RDONLY, file);
    expectOwn(front, file, FILE_MODE, size);
    expectWhole(front, file, size);
    for (const slot of [directory, value]) plan.free(slot);
  });
  plan.step({ sentence: 'execute it' }, () => {
    const free = plan.label();
    plan.call('fcntl', [FRONT_FD, F_GETFD, 0], { on: { EBADF: free } });
    plan.jump(engine);
    plan.place(free);
    plan.withSlot((self) => {
      plan.call('openat', [AT_FDCWD, '/proc/self/exe', O_PATH | O_CLOEXEC], { result: self });
      plan.call('dup3', [ref(front, self), FRONT_FD, 0]);
      plan.call('close', [ref(front, self)]);
    });
    const vectors = [ref(front, line.argv), ref(front, line.envp)];
    plan.call('execveat', [ref(front, file), '', ...vectors, AT_EMPTY_PATH], { ignoreErrors: true });
    // The state often lies where nothing can be executed.
    const memory = plan.slot();
    const seals = makeSealedMemory(front, memory);
    plan.withSlot((copied) => {
      plan.call('sendfile', [ref(front, memory), ref(front, file), 0, ref(front, size)], { result: copied });
      plan.branch(copied, 'notEqual', ref(front, size), engine);
    });
    sealMemory(front, memory, seals);
    plan.call('execveat', [ref(front, memory), '', ...vectors, AT_EMPTY_PATH]);
    plan.free(memory);
  });
  plan.free(bundle);
  plan.free(file);
  plan.free(size);
}

/** A file that was cut short has another size than it says. */
function expectWhole(front: Front, file: Slot, size: Slot): void {
  const { plan, engine } = front;
  const header = plan.variable(16, '{ELF header}');
  plan.withSlot((value) => {
    plan.call('pread64', [ref(front, file), header, 16, 0], { result: value });
    plan.branch(value, 'notEqual', 16, engine);
    plan.load(value, plan.addressOf(header, SIZE_AT), 4);
    plan.branch(value, 'notEqual', ref(front, size), engine);
  });
}

function openInside(
  front: Front,
  directory: Slot,
  name: Parameters<Front['plan']['call']>[1][number],
  flags: number,
  result: Slot,
): void {
  const { plan } = front;
  const how = openHow(flags | O_NOFOLLOW | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  plan.call('openat2', [ref(front, directory), name, plan.constant(how, '{how}'), OPEN_HOW_SIZE], { result });
}

/** It is root's, and has exactly that mode. `size`: takes its size. */
function expectOwn(front: Front, fd: Slot, mode: number, size?: Slot): void {
  const { plan, engine } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
  plan.call('statx', [ref(front, fd), '', AT_EMPTY_PATH, mask, found]);
  plan.withSlot((value) => {
    plan.load(value, plan.addressOf(found, STATX.uid), 4);
    plan.branch(value, 'notEqual', 0, engine);
    plan.load(value, plan.addressOf(found, STATX.mode), 2);
    plan.branch(value, 'notEqual', mode, engine);
    if (size !== undefined) plan.load(size, plan.addressOf(found, STATX.size));
  });
}
