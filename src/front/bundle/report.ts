// What the front that waits is told of a container that was made for it.

import type { Slot } from '../../init/plan.ts';
import { REPORT, REPORT_FD } from '../run-protocol.ts';
import { type CommandLine, copyUntil, type Front, ref, set } from '../words.ts';

/** What is longer was refused by the kernel. */
const LONGEST_PATH = 4096 + 64;

/** The root of the state may be relative: it is the front's, too. */
export function handOver(front: Front, line: CommandLine, pid: Slot): void {
  const { plan, engine } = front;
  plan.step({ sentence: 'hand the container over' }, () => {
    const report = plan.variable(REPORT.largest + LONGEST_PATH, '{report}', 8);
    const [from, to, begin] = [plan.slot(), plan.slot(), plan.slot()];
    plan.store(pid, plan.addressOf(report, REPORT.pid));
    set(front, to, plan.addressOf(report, REPORT.root));
    const append = (text: Slot): void => {
      set(front, from, ref(front, text));
      copyUntil(front, from, to, '\0');
      // The NUL is there.
      plan.add(to, 1);
    };
    append(line.root);
    set(front, begin, ref(front, to));
    plan.add(begin, -plan.address(report));
    plan.store(begin, plan.addressOf(report, REPORT.id));
    append(line.id);
    plan.add(to, -plan.address(report));
    plan.branch(to, 'greaterOrEqual', REPORT.largest, engine);
    plan.call('write', [REPORT_FD, report, ref(front, to)]);
    for (const slot of [from, to, begin]) plan.free(slot);
  });
}
