// A program that is known only when the plan runs: the arguments of the process are its name and its own arguments. What steps/program.ts decides
// when it compiles (is there a slash? which paths?) is decided here by the machine. Whoever prepares such an image has nobody to tell why the program could
// not be executed: a failure means that it was not.

import { ERRNO } from '../../linux/errno.ts';
import type { PlanBuilder } from '../builder.ts';
import { environmentOf } from '../environment.ts';
import { MESSAGE } from '../messages.ts';
import { type DataRef, type Label, type Slot, STACK_SLOT } from '../plan.ts';
import { numberBytes, type ProcessContext, send } from './context.ts';
import { checkExecutable, overridesPermissions } from './executable.ts';
import { searchedDirectories } from './program.ts';
import { filterPlace, installFilter, markDescriptors } from './seccomp.ts';

const WORD = 8;
/** With a directory of PATH before it the name has to fit into PATH_MAX. */
const PATH_MAX = 4096;
const LONGEST_NAME = 255;
const SLASH = '/'.charCodeAt(0);

export function executeGiven(context: ProcessContext): void {
  const { plan, inputs } = context;
  const envp = plan.pointers([...environmentOf(inputs).map((text) => plan.string(text)), null], '[process.env]');
  const [argv, file, found] = [plan.slot(), plan.slot(), plan.label()];
  plan.step({ sentence: 'look at the arguments' }, () => {
    // The stack of a new process: their number, their addresses.
    set(plan, argv, STACK_SLOT);
    plan.add(argv, WORD);
    plan.load(file, plan.at(argv));
    const given = plan.label();
    plan.branch(file, 'notEqual', 0, given);
    plan.fail(ERRNO.EINVAL);
    plan.place(given);
  });
  plan.step({ sentence: 'tell the runtime that the program is next' }, () =>
    send(context, 'executing', MESSAGE.executing),
  );
  const place = filterPlace(inputs);
  if (place === 'none' || place === 'before execve') markDescriptors(context);
  findFile(context, file, found);
  plan.place(found);
  if (place === 'before execve' && inputs.seccomp !== undefined) installFilter(plan, inputs.seccomp);
  plan.step({ sentence: 'exec', pointer: '/process/args/0' }, () =>
    plan.call('execve', [plan.slotRef(file), plan.slotRef(argv), envp]),
  );
}

/** Goes to `found` with the address of a path in `file`, which has the address of a name. */
function findFile(context: ProcessContext, file: Slot, found: Label): void {
  const { plan, inputs } = context;
  const longest = PATH_MAX - LONGEST_NAME - 2;
  const directories = searchedDirectories(environmentOf(inputs)).filter((path) => Buffer.byteLength(path) < longest);
  const path = plan.variable(PATH_MAX, '{path}');
  const bare = plan.label();
  plan.step({ sentence: 'see whether it is a path', pointer: '/process/args/0' }, () => {
    const [at, byte, again, short] = [plan.slot(), plan.slot(), plan.label(), plan.label()];
    set(plan, at, file);
    plan.place(again);
    plan.load(byte, plan.at(at), 1);
    plan.branch(byte, 'equal', SLASH, found);
    plan.branch(byte, 'equal', 0, bare);
    plan.add(at, 1);
    plan.jump(again);
    plan.place(bare);
    set(plan, byte, file);
    plan.add(byte, LONGEST_NAME + 1);
    plan.branch(at, 'less', plan.slotRef(byte), short);
    plan.fail(ERRNO.ENAMETOOLONG);
    plan.place(short);
    plan.free(at);
    plan.free(byte);
  });
  for (const directory of directories) {
    plan.step({ sentence: `look for it in ${directory}`, pointer: '/process/args/0' }, () => {
      const absent = plan.label();
      join(plan, directory, file, path);
      plan.withSlot((result) => {
        checkExecutable(plan, path, overridesPermissions(inputs), result);
        plan.branch(result, 'notEqual', 0, absent);
        plan.load(file, plan.constant(addressBytes(plan.address(path)), '{path}'));
        plan.jump(found);
      });
      plan.place(absent);
    });
  }
  plan.step({ sentence: 'exec: executable file not found in $PATH', pointer: '/process/args/0' }, () =>
    plan.fail(ERRNO.ENOENT),
  );
}

/** `path` = directory/name */
function join(plan: PlanBuilder, directory: string, name: Slot, path: DataRef): void {
  const begin = plan.string(`${directory}/`);
  const [from, to] = [plan.slot(), plan.slot()];
  plan.load(to, plan.constant(addressBytes(plan.address(path)), '{path}'));
  plan.load(from, plan.constant(addressBytes(plan.address(begin)), `{${directory}/}`));
  copy(plan, from, to);
  set(plan, from, name);
  copy(plan, from, to);
  plan.free(from);
  plan.free(to);
}

/** Up to and with the NUL; `to` is left at it. */
function copy(plan: PlanBuilder, from: Slot, to: Slot): void {
  const [again, done] = [plan.label(), plan.label()];
  plan.withSlot((byte) => {
    plan.place(again);
    plan.load(byte, plan.at(from), 1);
    plan.store(byte, plan.at(to), 1);
    plan.branch(byte, 'equal', 0, done);
    plan.add(from, 1);
    plan.add(to, 1);
    plan.jump(again);
    plan.place(done);
  });
}

function set(plan: PlanBuilder, slot: Slot, value: Slot): void {
  plan.load(slot, plan.constant(numberBytes(0), '{0}'));
  plan.add(slot, plan.slotRef(value));
}

function addressBytes(address: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(address);
  return bytes;
}
