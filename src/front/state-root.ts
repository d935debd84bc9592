// Where the state of the containers is, and what a container may be called: as the engine has it, or the engine is asked.

import type { Slot } from '../init/plan.ts';
import { AT_FDCWD } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import { SYSTEM_ROOT } from './names.ts';
import { type CommandLine, type Front, ref, refuseVariable, set } from './words.ts';

/** PROC_USER_INIT_INO of <linux/proc_ns.h>. */
const INITIAL_USER_NAMESPACE = 0xeffffffd;

/** What a container's id may have, and not begin with (container/store.ts says why). */
const ID_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.';

export function checkId(front: Front, id: Slot): void {
  const { plan, engine } = front;
  const allowed = Buffer.alloc(256);
  for (const character of ID_CHARACTERS) allowed[character.charCodeAt(0)] = 1;
  const table = plan.constant(allowed, '{characters of an id}');
  const [at, character, known] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, done] = [plan.label(), plan.label()];
  plan.load(character, plan.at(id), 1);
  plan.branch(character, 'equal', 0, engine);
  plan.branch(character, 'equal', '.'.charCodeAt(0), engine);
  set(front, at, ref(front, id));
  plan.place(again);
  plan.load(character, plan.at(at), 1);
  plan.branch(character, 'equal', 0, done);
  set(front, known, table);
  plan.add(known, ref(front, character));
  plan.load(known, plan.at(known), 1);
  plan.branch(known, 'equal', 0, engine);
  plan.add(at, 1);
  plan.jump(again);
  plan.place(done);
  for (const slot of [at, character, known]) plan.free(slot);
}

/** Where the kernel would take a path for another than the engine, which cleans it as text (cli/root.ts), or that refuses it. */
function checkRoot(front: Front, root: Slot): void {
  const { plan, engine } = front;
  const [at, character, before, named] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [again, next, name, done] = [plan.label(), plan.label(), plan.label(), plan.label()];
  const [dot, slash] = ['.'.charCodeAt(0), '/'.charCodeAt(0)];
  set(front, at, ref(front, root));
  set(front, before, 0);
  set(front, named, 0);
  plan.place(again);
  plan.load(character, plan.at(at), 1);
  plan.branch(character, 'equal', 0, done);
  plan.branch(character, 'equal', slash, next);
  plan.branch(character, 'notEqual', dot, name);
  plan.branch(before, 'equal', dot, engine);
  plan.jump(next);
  plan.place(name);
  set(front, named, 1);
  plan.place(next);
  set(front, before, ref(front, character));
  plan.add(at, 1);
  plan.jump(again);
  plan.place(done);
  // It is the root of the host, or the working directory.
  plan.branch(named, 'equal', 0, engine);
  for (const slot of [at, character, before, named]) plan.free(slot);
}

/** Without --root it is the system's for root on the host; who else has which is the engine's matter (cli/root.ts). */
export function chooseRoot(front: Front, { root, envp }: CommandLine): void {
  const { plan, engine } = front;
  const [given, chosen] = [plan.label(), plan.label()];
  plan.branch(root, 'notEqual', 0, given);
  plan.withSlot((uid) => {
    plan.call('geteuid', [], { result: uid });
    plan.branch(uid, 'notEqual', 0, engine);
  });
  const [ofUser, ofSystem] = [plan.label(), plan.label()];
  refuseVariable(front, envp, 'XDG_RUNTIME_DIR=', ofUser);
  plan.jump(ofSystem);
  plan.place(ofUser);
  // A login has left it behind: root on the host does not heed it.
  const found = plan.variable(STATX.sizeOf, '{statx}');
  plan.call('statx', [AT_FDCWD, '/proc/self/ns/user', 0, plan.value(STATX_MASK.inode, 'STATX_INO'), found]);
  plan.withSlot((inode) => {
    plan.load(inode, plan.addressOf(found, STATX.inode));
    plan.branch(inode, 'notEqual', INITIAL_USER_NAMESPACE, engine);
  });
  plan.place(ofSystem);
  set(front, root, plan.string(SYSTEM_ROOT));
  plan.jump(chosen);
  plan.place(given);
  checkRoot(front, root);
  plan.place(chosen);
}
