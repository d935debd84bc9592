// containerd, driven as a kubelet drives it.

import { startNode } from './harness/cri.ts';
import { begin, end } from './harness/end.ts';
import { unfit } from './harness/host.ts';
import { kubeletContainers } from './scenarios/kubelet-containers.ts';
import { kubeletPods } from './scenarios/kubelet-pods.ts';

const node = await begin(unfit(['containerd', 'ctr', 'containerd-shim-runc-v2', 'nsenter', 'ip']), startNode);

if (node !== undefined) {
  kubeletContainers(node);
  kubeletPods(node);
  end({ removeAll: node.removeAll, stop: node.stop, isEngine: /: \S*containerd -/ });
}
