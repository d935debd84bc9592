// A bind mount whose source lies in the container's root, where an earlier mount has put it: it is opened when it is its turn, in the root like
// all paths of the container. So a link of the image leads to what the container has there, never to the host.

import { AT_EMPTY_PATH, AT_RECURSIVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../../linux/statx.ts';
import type { Argument, PlanBuilder } from '../builder.ts';
import type { PreparedMount } from '../inputs.ts';
import type { Label, Slot, Step } from '../plan.ts';
import {
  attach,
  ensureDirectory,
  ensureFile,
  mapIds,
  openInRoot,
  type StepContext,
  scratch,
  setAttributes,
} from './context.ts';
import { refuseProc } from './guarded-proc.ts';

type InnerBind = Extract<PreparedMount, { kind: 'innerBind' }>;

/** `finish` is what is to be done with the mount when it is attached. */
export function mountInnerBind(
  context: StepContext,
  prepared: InnerBind,
  step: Step,
  finish: (mount: Argument) => void,
): void {
  const { plan } = context;
  const { source, recursive, changes, destination, present, idMap } = prepared;
  const [tree, target] = [plan.slot('the copy of the source'), plan.slot('the mount point')];
  const [isDirectory, isOpen] = [plan.label(), plan.label()];
  const find = { sentence: `find the mount source "${source}" in the container`, pointer: `${step.pointer}/source` };
  plan.step(find, () => {
    openInRoot(context, source, { flags: 0, result: tree });
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    const text = `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH${recursive ? '|AT_RECURSIVE' : ''}`;
    plan.call('open_tree', [plan.slotRef(tree), '', plan.value(flags, text)], { result: tree });
  });
  if (idMap !== undefined) mapIds(plan, plan.slotRef(tree), idMap);
  for (const change of changes) setAttributes(plan, plan.slotRef(tree), change);
  // What kind of file it is is known only now.
  branchIfDirectory(plan, tree, isDirectory);
  ensureFile(context, destination, target, present);
  plan.jump(isOpen);
  plan.place(isDirectory);
  ensureDirectory(context, destination, target, { present });
  plan.place(isOpen);
  refuseProc(context, destination, target, step);
  attach(plan, plan.slotRef(tree), plan.slotRef(target));
  finish(plan.slotRef(tree));
  plan.free(tree);
  plan.free(target);
}

/** The type is in the upper four bits of the mode's sixteen; those of set-id and sticky, and one permission, are the rest of its byte. */
function branchIfDirectory(plan: PlanBuilder, of: Slot, to: Label): void {
  const status = scratch(plan, 'statx', STATX.sizeOf);
  const no = plan.label();
  const empty = plan.value(AT_EMPTY_PATH, 'AT_EMPTY_PATH');
  plan.call('statx', [plan.slotRef(of), '', empty, plan.value(STATX_MASK.type, 'STATX_TYPE'), status]);
  plan.withSlot((mode) => {
    plan.load(mode, plan.addressOf(status, STATX.mode + 1), 1);
    plan.branch(mode, 'less', S_IFDIR >> 8, no);
    plan.branch(mode, 'less', (S_IFDIR >> 8) + 16, to);
  });
  plan.place(no);
}
const S_IFDIR = 0o040000;
