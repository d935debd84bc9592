// What a bind mount's options mean for the copy of its source.

import type { LateTree } from '../init/inputs.ts';
import { MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../linux/mount-constants.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import type { Config, Mount } from '../spec/generated/types.ts';

export type TreeChange = LateTree['changes'][number];

/** Attributes and propagation, one change after the other (mount_setattr(2)). Pure. */
export function bindChanges(config: Config, mount: Mount): TreeChange[] {
  const { attributes, recursiveAttributes, propagation } = parseMountOptions(mount.options ?? []);
  // The copy is a peer of the source where that is shared: what is mounted in the container would appear on the host.
  const has = (flag: number): boolean => propagation.some((asked) => asked.flag === flag);
  const isShared = (isRootShared(config) || has(MS_SHARED)) && !has(MS_PRIVATE) && !has(MS_UNBINDABLE);
  const { set = 0, clear = 0 } = recursiveAttributes ?? {};
  const changes = [{ set, clear, propagation: isShared ? 0 : MS_SLAVE, recursive: true }];
  if (attributes.set !== 0 || attributes.clear !== 0) changes.push({ ...attributes, propagation: 0, recursive: false });
  return changes;
}

/** Whether mounts of the container's root are seen on the host. */
export function isRootShared({ linux }: Config): boolean {
  return linux?.rootfsPropagation === 'shared' || linux?.rootfsPropagation === 'rshared';
}
