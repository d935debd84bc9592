// A bind mount whose source lies in the container's root, where an earlier mount has put it: it is opened when it is its turn, in the root like
// all paths of the container. So a link of the image leads to what the container has there, never to the host.

import { AT_EMPTY_PATH, AT_RECURSIVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../../linux/mount-constants.ts';
import type { Argument } from '../builder.ts';
import type { PreparedMount } from '../inputs.ts';
import { MESSAGE } from '../messages.ts';
import type { Slot, Step } from '../plan.ts';
import { attach, ensureDirectory, ensureFile, mapIds, openInRoot, type StepContext, setAttributes } from './context.ts';
import { branchUnlessDirectory } from './device-type.ts';
import { refuseProc } from './guarded-proc.ts';
import { waitForGo } from './hooks.ts';
import { sendNumber } from './message.ts';

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
  const [isFile, isOpen] = [plan.label(), plan.label()];
  const find = { sentence: `find the mount source "${source}" in the container`, pointer: `${step.pointer}/source` };
  plan.step(find, () => {
    openInRoot(context, source, { flags: 0, result: tree });
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    const text = `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH${recursive ? '|AT_RECURSIVE' : ''}`;
    plan.call('open_tree', [plan.slotRef(tree), '', plan.value(flags, text)], { result: tree });
  });
  if (idMap?.byRuntime === true) haveIdsMapped(context, tree, idMap.step);
  else if (idMap !== undefined) mapIds(plan, plan.slotRef(tree), idMap);
  for (const change of changes) setAttributes(plan, plan.slotRef(tree), change);
  // What kind of file it is is known only now.
  branchUnlessDirectory(plan, tree, isFile);
  ensureDirectory(context, destination, target, { present });
  plan.jump(isOpen);
  plan.place(isFile);
  ensureFile(context, destination, target, present);
  plan.place(isOpen);
  refuseProc(context, destination, target, step);
  attach(plan, plan.slotRef(tree), plan.slotRef(target));
  finish(plan.slotRef(tree));
  plan.free(tree);
  plan.free(target);
}

/**
 * The file system belongs to the user namespace of the host, so its owners can be shown in another way only by who has CAP_SYS_ADMIN there
 * (mount_setattr(2)). A tree that is attached nowhere the runtime may change from where it is; the locks on its mounts init's copying has set.
 */
function haveIdsMapped(context: StepContext, tree: Slot, { sentence, ...of }: Step): void {
  const { plan, report } = context;
  plan.step({ ...of, sentence: `have the runtime ${sentence}` }, () => {
    sendNumber(context, 'tree', MESSAGE.tree, tree);
    waitForGo(context, plan.slotRef(report));
  });
}
