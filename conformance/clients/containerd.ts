// containerd, driven by its own command line.

import { startCtr } from './harness/containerd.ts';
import { begin, end } from './harness/end.ts';
import { unfit } from './harness/host.ts';
import { ctrLife } from './scenarios/ctr-life.ts';
import { ctrPrograms } from './scenarios/ctr-programs.ts';

const ctr = await begin(unfit(['containerd', 'ctr', 'containerd-shim-runc-v2']), startCtr);

if (ctr !== undefined) {
  ctrPrograms(ctr);
  ctrLife(ctr);
  end({ removeAll: ctr.removeAll, stop: ctr.stop, isEngine: /: \S*containerd -/ });
}
