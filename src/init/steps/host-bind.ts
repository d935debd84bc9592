// A bind mount whose source init copies itself, in its turn: from its own copy of the host's mounts, before the root is changed.

import { AT_FDCWD, AT_RECURSIVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../../linux/mount-constants.ts';
import type { Argument } from '../builder.ts';
import type { PreparedMount } from '../inputs.ts';
import type { Step } from '../plan.ts';
import { attach, ensureDirectory, ensureFile, mapIds, type StepContext, setAttributes } from './context.ts';
import { refuseProc } from './guarded-proc.ts';

type HostBind = Extract<PreparedMount, { kind: 'hostBind' }>;

/** `finish` is what is to be done with the mount when it is attached. */
export function mountHostBind(
  context: StepContext,
  prepared: HostBind,
  step: Step,
  finish: (mount: Argument) => void,
): void {
  const { plan } = context;
  const { source, recursive, isDirectory, changes, destination, present, idMap } = prepared;
  plan.withSlot((tree) => {
    const find = { sentence: `find the mount source "${source}"`, pointer: `${step.pointer}/source` };
    plan.step(find, () => {
      const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
      const text = `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC${recursive ? '|AT_RECURSIVE' : ''}`;
      plan.call('open_tree', [plan.value(AT_FDCWD, 'AT_FDCWD'), source, plan.value(flags, text)], { result: tree });
    });
    if (idMap !== undefined) mapIds(plan, plan.slotRef(tree), idMap);
    for (const change of changes) setAttributes(plan, plan.slotRef(tree), change);
    plan.withSlot((target) => {
      // Should the source have become something else meanwhile, the kernel refuses to put it there (move_mount(2)).
      if (isDirectory) ensureDirectory(context, destination, target, { present });
      else ensureFile(context, destination, target, present);
      refuseProc(context, destination, target, step);
      attach(plan, plan.slotRef(tree), plan.slotRef(target));
    });
    finish(plan.slotRef(tree));
  });
}
