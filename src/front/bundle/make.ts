// `create`, as container/construct.ts does it, of a container whose config was seen before; what fails is undone, and left to the engine.

import { GO } from '../../init/messages.ts';
import type { DataRef, Slot } from '../../init/plan.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from '../../linux/mount-constants.ts';
import { STATX } from '../../linux/statx.ts';
import { ANSWER_FIFO, CONFIG_FILE, ORDER_FIFO, STATE_FILE } from '../names.ts';
import { FRONT_FILE, OFFSET } from '../record.ts';
import { nameProcess, OWN_STAT, writeOwnPid, writeStartTime } from '../start-time.ts';
import { type CommandLine, copyUntil, type Front, ref, set } from '../words.ts';
import { makeCgroups, placesOf, removeCgroups, writePaths } from './cgroups.ts';
import { writeTime } from './clock.ts';
import type { Bundle, Template } from './description.ts';
import { hearOfInit, type Ingredients, type Launched, launch, makeImage } from './launch.ts';
import { recordBytes, recordImage, recordPid } from './record.ts';
import { createTexts, type Texts } from './text.ts';

const AT_REMOVEDIR = 0x200;
const SIGKILL = 9;
const NEW_STATE = `${STATE_FILE}.new`;

export interface Made {
  /** Of init. */
  readonly pid: Slot;
  /** Takes back what has been made so far; for where a step fails after `begun` was called. Goes on behind it. */
  readonly undo: () => void;
}

export interface Making {
  /** Where what is not as expected goes before anything was made, and … */
  readonly before: Front;
  /** … afterwards, to be undone. */
  readonly after: Front;
  /** Called in between. */
  readonly begun: () => void;
}

/** `tree`: of the root. Goes on when the container is created. */
export function makeContainer({ before, after, begun }: Making, line: CommandLine, bundle: Bundle, tree: Slot): Made {
  const front = after;
  const { plan } = front;
  const record = plan.variable(recordBytes(bundle) ?? new Uint8Array(8), '{record}', 8);
  const texts = createTexts(front, [bundle.begun, bundle.created]);
  const [root, directory, made] = [plan.slot(), plan.slot(), plan.slot()];
  const launched: Launched = { launcher: plan.slot(), pid: plan.slot(), channel: plan.slot() };
  const places = placesOf(front, bundle, record);
  const id = texts.place('id');
  for (const slot of [made, launched.launcher, launched.pid, launched.channel]) set(front, slot, 0);
  plan.step({ sentence: 'take the id' }, () => {
    texts.fill('id', (to) =>
      plan.withSlot((from) => {
        set(before, from, ref(before, line.id));
        copyUntil(before, from, to, '\0');
      }),
    );
    writePaths(before, places, id);
    tellMaker(before, bundle, texts);
    const place = O_PATH | O_DIRECTORY | O_CLOEXEC;
    plan.call('openat', [AT_FDCWD, ref(front, line.root), place], { result: root });
    plan.call('mkdirat', [ref(front, root), id, 0o700]);
    begun();
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    plan.call('openat', [ref(front, root), id, flags], { result: directory });
  });
  plan.step({ sentence: 'write down what is going to be made' }, () => {
    writeFile(front, directory, CONFIG_FILE, (fd) =>
      writeBytes(front, fd, plan.constant(bundle.config, '{config}', 8), bundle.config.length),
    );
    writeState(front, directory, bundle.begun, texts);
  });
  makeCgroups(front, places, texts, made);
  const ingredients: Ingredients = { bundle, id, directory, tree, places };
  const image = plan.variable(STATX.sizeOf, '{statx}');
  const memory = makeImage(front, ingredients, image);
  launch(front, ingredients, memory, launched);
  plan.free(memory);
  hearOfInit(front, launched);
  plan.step({ sentence: 'write down that init waits' }, () => {
    recordImage(front, record, image);
    plan.withSlot((inode) => {
      plan.load(inode, plan.addressOf(image, STATX.inode));
      texts.fillNumber('image', inode);
    });
    recordPid(front, record, launched.pid);
    plan.withSlot((pid) => {
      set(front, pid, ref(front, launched.pid));
      texts.fillNumber('pid', pid);
    });
    texts.fill('startTime', (to) =>
      plan.withSlot((from) => {
        set(front, from, plan.addressOf(record, OFFSET.startTime));
        copyUntil(front, from, to, '\0');
      }),
    );
    writeState(front, directory, bundle.created, texts);
    writeFile(front, directory, FRONT_FILE, (fd) => writeBytes(front, fd, record, record.size));
  });
  // What was opened is closed by the end of this process: until then all can be taken back.
  plan.step({ sentence: 'let init wait for start' }, () => {
    plan.call('write', [ref(front, launched.channel), plan.constant(GO, '{GO}'), GO.length]);
  });
  return {
    pid: launched.pid,
    undo: () =>
      plan.step({ sentence: 'take back what was made' }, () => {
        endProcesses(front, launched);
        removeCgroups(front, places, made);
        for (const name of [NEW_STATE, STATE_FILE, CONFIG_FILE, FRONT_FILE, ORDER_FIFO, ANSWER_FIFO])
          plan.call('unlinkat', [ref(front, directory), name, 0], { ignoreErrors: true });
        plan.call('unlinkat', [ref(front, root), id, AT_REMOVEDIR], { ignoreErrors: true });
      }),
  };
}

/** The maker is this process. */
function tellMaker(front: Front, { now }: Bundle, texts: Texts): void {
  nameProcess(front);
  texts.fill('creator', (to) => writeOwnPid(front, to));
  texts.fill('creatorTime', (to) => writeStartTime(front, OWN_STAT, to));
  texts.fill('created', (to) => writeTime(front, to, now));
}

function writeFile(front: Front, directory: Slot, name: string, write: (fd: Slot) => void): void {
  const { plan } = front;
  plan.withSlot((fd) => {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    plan.call('openat', [ref(front, directory), name, flags, 0o600], { result: fd });
    write(fd);
    plan.call('close', [ref(front, fd)]);
  });
}

function writeBytes(front: Front, fd: Slot, bytes: DataRef, length: number): void {
  const { plan, engine } = front;
  plan.withSlot((written) => {
    plan.call('write', [ref(front, fd), bytes, length], { result: written });
    plan.branch(written, 'notEqual', length, engine);
  });
}

/** Renamed into place: readers see the old or the new one. */
function writeState(front: Front, directory: Slot, text: Template, texts: Texts): void {
  writeFile(front, directory, NEW_STATE, (fd) => texts.write(text, fd));
  const { plan } = front;
  plan.call('renameat2', [ref(front, directory), NEW_STATE, ref(front, directory), STATE_FILE, 0]);
}

/** This process has no other children. */
function endProcesses(front: Front, { launcher, pid, channel }: Launched): void {
  const { plan } = front;
  const [nobody, again, ended] = [plan.label(), plan.label(), plan.label()];
  plan.branch(channel, 'equal', 0, nobody);
  // Init, where its pid is not known, ends by it.
  plan.call('close', [ref(front, channel)], { ignoreErrors: true });
  for (const process of [launcher, pid]) {
    const other = plan.label();
    plan.branch(process, 'less', 1, other);
    plan.call('kill', [ref(front, process), SIGKILL], { ignoreErrors: true });
    plan.place(other);
  }
  plan.place(again);
  plan.withSlot((result) => {
    plan.call('wait4', [-1, 0, 0, 0], { result, ignoreErrors: true });
    plan.branch(result, 'less', 0, ended);
  });
  plan.jump(again);
  plan.place(ended);
  plan.place(nobody);
}
