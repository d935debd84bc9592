// Init of a container whose config was seen before: its image with the id in it, its launcher, and what they say until init waits.

import { MESSAGE } from '../../init/messages.ts';
import type { DataRef, Slot } from '../../init/plan.ts';
import { AT_EMPTY_PATH, O_CLOEXEC, O_NONBLOCK, O_RDWR } from '../../linux/mount-constants.ts';
import { S_IF, STATX, STATX_MASK } from '../../linux/statx.ts';
import { makeSealedMemory, sealMemory } from '../exec-image.ts';
import { give, replaceNull } from '../exec-launcher.ts';
import { ANSWER_FIFO, ORDER_FIFO } from '../names.ts';
import { makeSocketPair } from '../socket-pair.ts';
import { SIGCHLD } from '../wait.ts';
import { type Front, ref, set } from '../words.ts';
import type { CgroupPlace } from './cgroups.ts';
import { type Bundle, ID_ROOM, NUMBER } from './description.ts';

/** Beyond it the launcher is to find its own. */
const HIGHEST = NUMBER.channel - 1;
const MESSAGE_SIZE = 8;
const F_SETFD = 2;
const F_SETFL = 4;

export interface Launched {
  /** The launcher; 0: it has ended. */
  readonly launcher: Slot;
  /** Init; 0: not known yet. */
  readonly pid: Slot;
  /** Our end of the socket to init. */
  readonly channel: Slot;
}

export interface Ingredients {
  readonly bundle: Bundle;
  /** ID_ROOM bytes. */
  readonly id: DataRef;
  /** Of the state directory. */
  readonly directory: Slot;
  readonly tree: Slot;
  readonly places: readonly CgroupPlace[];
}

/** A descriptor of the image, sealed. `found`: takes what statx(2) says of it. */
export function makeImage(front: Front, { bundle, id }: Ingredients, found: DataRef): Slot {
  const { plan, engine } = front;
  const { image, idsInImage, memoryDevice } = bundle;
  const memory = plan.slot();
  plan.step({ sentence: "put init's image into memory" }, () => {
    const seals = makeSealedMemory(front, memory);
    plan.withSlot((written) => {
      const bytes = plan.constant(image, '{image}', 8);
      plan.call('write', [ref(front, memory), bytes, image.length], { result: written });
      plan.branch(written, 'notEqual', image.length, engine);
    });
    for (const offset of idsInImage) plan.call('pwrite64', [ref(front, memory), id, ID_ROOM, offset]);
    sealMemory(front, memory, seals);
    const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
    plan.call('statx', [ref(front, memory), '', AT_EMPTY_PATH, mask, found]);
    plan.withSlot((value) => {
      plan.load(value, plan.addressOf(found, STATX.fileSystem), 4);
      plan.branch(value, 'notEqual', memoryDevice.major, engine);
      plan.load(value, plan.addressOf(found, STATX.fileSystem + 4), 4);
      plan.branch(value, 'notEqual', memoryDevice.minor, engine);
    });
  });
  return memory;
}

export function launch(front: Front, ingredients: Ingredients, memory: Slot, { launcher, channel }: Launched): void {
  const { plan, engine } = front;
  const { directory, tree } = ingredients;
  const [theirs, order, answer] = [plan.slot(), plan.slot(), plan.slot()];
  plan.step({ sentence: 'make what init hears and answers by' }, () => {
    makeSocketPair(front, channel, theirs);
    for (const [name, fd] of [
      [ORDER_FIFO, order],
      [ANSWER_FIFO, answer],
    ] as const) {
      plan.call('mknodat', [ref(front, directory), name, S_IF.fifo | 0o600, 0]);
      plan.call('openat', [ref(front, directory), name, O_RDWR | O_CLOEXEC], { result: fd });
    }
    plan.branch(answer, 'greaterOrEqual', HIGHEST, engine);
  });
  plan.step({ sentence: 'clone the launcher' }, () => {
    const parent = plan.label();
    plan.call('clone', [SIGCHLD, 0, 0, 0, 0], { result: launcher });
    plan.branch(launcher, 'notEqual', 0, parent);
    becomeLauncher(front, ingredients, memory, { theirs, order, answer });
    plan.place(parent);
    for (const fd of [theirs, order, answer, tree, memory]) plan.call('close', [ref(front, fd)]);
  });
  for (const slot of [theirs, order, answer]) plan.free(slot);
}

/** What fails here the parent is told by the end of the connection. */
function becomeLauncher(
  front: Front,
  { places, tree }: Ingredients,
  memory: Slot,
  { theirs, order, answer }: { readonly theirs: Slot; readonly order: Slot; readonly answer: Slot },
): void {
  const { plan } = front;
  const failed = plan.label();
  for (const index of places.keys())
    plan.withSlot((result) => {
      plan.call('fcntl', [NUMBER.cgroups + index, F_SETFD, 0], { result, ignoreErrors: true });
      plan.branch(result, 'less', 0, failed);
    });
  give(front, theirs, NUMBER.channel, failed);
  give(front, tree, NUMBER.root, failed);
  give(front, order, NUMBER.order, failed);
  give(front, answer, NUMBER.answer, failed);
  replaceNull(front, failed);
  const words = plan.pointers([plan.string('runt'), plan.string('init'), null], '["runt", "init"]');
  const environment = plan.constant(new Uint8Array(8), '[]');
  plan.call('execveat', [ref(front, memory), '', words, environment, AT_EMPTY_PATH], { ignoreErrors: true });
  plan.place(failed);
  plan.call('exit_group', [1]);
}

/** Until init waits for `start`; anything else is the engine's, which meets it again and reports it. */
export function hearOfInit(front: Front, { launcher, pid, channel }: Launched): void {
  const { plan, engine } = front;
  const message = plan.variable(16, '{message}');
  const [length, kind, ready] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, born, done] = [plan.label(), plan.label(), plan.label()];
  const endOfLauncher = (): void => {
    plan.call('wait4', [ref(front, launcher), 0, 0, 0]);
    set(front, launcher, 0);
  };
  plan.step({ sentence: 'hear of init' }, () => {
    set(front, ready, 0);
    plan.place(again);
    plan.call('read', [ref(front, channel), message, 16], { result: length });
    plan.branch(length, 'notEqual', MESSAGE_SIZE, engine);
    plan.load(kind, message, 4);
    plan.branch(kind, 'equal', MESSAGE.pid, born);
    plan.branch(kind, 'notEqual', MESSAGE.ready, engine);
    set(front, ready, 1);
    plan.branch(pid, 'notEqual', 0, done);
    // Init was faster. The launcher tells of it before it ends; or was ended by somebody, who may have sent a signal to the whole job.
    endOfLauncher();
    plan.call('fcntl', [ref(front, channel), F_SETFL, O_NONBLOCK]);
    plan.jump(again);
    plan.place(born);
    plan.load(pid, plan.addressOf(message, 4), 4);
    plan.branch(ready, 'notEqual', 0, done);
    endOfLauncher();
    plan.jump(again);
    plan.place(done);
  });
  for (const slot of [length, kind, ready]) plan.free(slot);
}
