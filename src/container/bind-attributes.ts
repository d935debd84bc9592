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

export interface BindPlace {
  /** Absolute, clean. */
  readonly source: string;
  readonly recursive: boolean;
  readonly destination: string;
  /** The container's root on the host, by all its names. */
  readonly roots: readonly string[];
}

/**
 * Whether init copies the source of the bind mount when it is its turn. Otherwise it is copied before init is there: by the runtime, or where there
 * is a user namespace by its launcher. Pure.
 */
export function isCopiedInTurn(config: Config, { source, recursive, destination, roots }: BindPlace): boolean {
  const { rootfsPropagation = 'rslave', namespaces = [] } = config.linux ?? {};
  return (
    // Init sees the host as the runtime does, and each of its mounts receives what the host's does.
    namespaces.some(({ type, path = '' }) => type === 'mount' && path === '') &&
    (rootfsPropagation === 'rslave' || rootfsPropagation === 'slave') &&
    // What init holds is not to be reached by a name.
    source !== '/proc' &&
    !source.startsWith('/proc/') &&
    // Nothing of what the container has mounted by then is meant: neither above the source, nor below it.
    !roots.some((root) => isAtOrBelow(source, root) || (recursive && isAtOrBelow(root, source))) &&
    // The runtime has to look into these.
    destination !== '/' &&
    destination !== '/proc' &&
    config.mounts?.some(({ options }) => options?.includes('tmpcopyup') === true) !== true
  );
}

function isAtOrBelow(path: string, other: string): boolean {
  return other === '/' || path === other || path.startsWith(`${other}/`);
}

/** Whether mounts of the container's root are seen on the host. */
export function isRootShared({ linux }: Config): boolean {
  return linux?.rootfsPropagation === 'shared' || linux?.rootfsPropagation === 'rshared';
}
