// The config's `mounts` as the host finds them: sources are copied into detached mounts with their attributes, mount points looked for.

import type { CgroupHandles } from '../cgroup/create.ts';
import type { CgroupHost } from '../cgroup/host.ts';
import { fail } from '../error.ts';
import type { CgroupHierarchy, PreparedMount } from '../init/inputs.ts';
import type { LabelSteps } from '../init/labels.ts';
import { mayBeMountedOn } from '../init/steps/guarded-proc.ts';
import { takesModeOfDirectory } from '../init/steps/tmpfs-mode.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import { cleanPath, resolvePath, stripRoot } from '../linux/paths.ts';
import type { Config, Mount } from '../spec/generated/types.ts';
import { bindChanges } from './bind-attributes.ts';
import type { Descriptors } from './descriptors.ts';
import type { IdMaps } from './mapped-mounts.ts';
import { findMountPoint, isCovered, modeOfDirectory, presentComponents } from './mount-point.ts';
import { prepareBind, type RootPaths } from './prepare-bind.ts';
import type { LateTrees } from './user-namespace.ts';

export interface PrepareOptions {
  readonly config: Config;
  readonly bundle: string;
  readonly noPivot: boolean;
  readonly preserveFds: number;
  readonly descriptors: Descriptors;
  readonly cgroupHost: CgroupHost;
  readonly cgroups: CgroupHandles;
  /** systemd makes the cgroups when the launcher is there. */
  readonly movedByRuntime?: true;
  /** Where trees can't be copied yet: there is a user namespace, or the caller is not root on the host. */
  readonly late?: LateTrees;
  /** Where a config asks for labels. */
  readonly labels?: LabelSteps;
  /** Where a mount has ids of its own. */
  readonly mappedMounts?: typeof import('./mapped-mounts.ts');
  /** The container's state directory: see `spawnLauncher`. */
  readonly directory: string;
  /** Where a mount has the option tmpcopyup. */
  readonly copyUp?: typeof import('./copy-up.ts');
}

export interface RootToMountIn {
  /** A descriptor of the root file system. */
  readonly fd: number;
  readonly paths: RootPaths;
}

/** In their order. Throws RuntErrors that name the mount. */
export function prepareMounts(options: PrepareOptions, root: RootToMountIn, idMaps?: IdMaps): PreparedMount[] {
  const mounts: PreparedMount[] = [];
  const places: string[] = [];
  (options.config.mounts ?? []).forEach((mount, index) => {
    const place = root.paths.reduce((path, prefix) => stripRoot(prefix, path), cleanPath(mount.destination));
    const prepared = prepareMount(options, { mount, index, place, root, earlier: mounts, places });
    places.push(prepared.destination);
    if (place !== prepared.destination) places.push(place);
    mounts.push(idMaps === undefined ? prepared : mapIdsOf(options, mount, index, prepared, idMaps));
  });
  return mounts;
}

/** Where paths of the container are looked up after these mounts: one may lie on the root itself. Not open: nothing is known of what is there. */
export function rootAfter(mounts: readonly PreparedMount[], root: number): number {
  const top = mounts.findLast(({ destination }) => destination === '/');
  if (top === undefined) return root;
  return 'tree' in top ? top.tree.fd : NOT_OPEN;
}
const NOT_OPEN = -1;

/** Init maps them, but for a copy that it can't make itself (LateTree). */
function mapIdsOf(
  { bundle, late }: PrepareOptions,
  mount: Mount,
  index: number,
  prepared: PreparedMount,
  idMaps: IdMaps,
): PreparedMount {
  const { destination, kind } = prepared;
  const isOfHost = (kind === 'bind' || kind === 'hostBind') && mount.source !== undefined;
  const source = isOfHost ? { source: resolvePath(bundle, mount.source) } : {};
  const idMap = idMaps.of(mount, index, { kind, destination, ...source });
  if (idMap === undefined) return prepared;
  if (kind !== 'bind' || late === undefined) return { ...prepared, idMap };
  late.mapIds(prepared.tree.fd, idMap);
  return prepared;
}

interface MountToPrepare {
  readonly mount: Mount;
  readonly index: number;
  /** The destination as the config has it, in the root. */
  readonly place: string;
  readonly root: RootToMountIn;
  readonly earlier: readonly PreparedMount[];
  /** Where the earlier ones are, and where the config wants them. */
  readonly places: readonly string[];
}

function prepareMount(
  options: PrepareOptions,
  { mount, index, place, root, earlier, places }: MountToPrepare,
): PreparedMount {
  const pointer = `/mounts/${index}`;
  // proc and sysfs go on a plain directory or nowhere: no link is followed for them.
  const isPlain = mount.type === 'proc' || mount.type === 'sysfs';
  const lookIn = rootAfter(earlier, root.fd);
  const { destination, exists } = findMountPoint(lookIn, place, !isPlain);
  const present = presentComponents(destination, exists, earlier);
  if (!mayBeMountedOn(destination)) {
    fail({
      code: 'config',
      message: `nothing may be mounted on "${destination}", inside /proc`,
      pointer: `${pointer}/destination`,
      hint: 'files that runt itself writes or masks lie there (CVE-2019-16884)',
    });
  }
  const parsed = parseMountOptions(mount.options ?? []);
  const { type } = mount;
  if (parsed.bind !== undefined || type === 'bind')
    return { ...prepareBind(options, { mount, index, destination, roots: root.paths, earlier: places }), present };
  if (destination === '/proc' && type !== 'proc') {
    fail({
      code: 'config',
      message: `"${destination}" cannot be mounted because it is not of type proc`,
      pointer: `${pointer}/type`,
    });
  }
  if (type === undefined || type === '' || type === 'none') {
    fail({
      code: 'config',
      message: `the mount on "${destination}" has neither a type nor the option bind`,
      pointer: `${pointer}/type`,
    });
  }
  if (options.copyUp !== undefined && parsed.extensions.includes('tmpcopyup')) {
    const tree = options.copyUp.prepareCopyUp({ options, mount, index, destination, root: root.fd, earlier });
    if (tree !== undefined) return { kind: 'copyUp', tree, destination, present };
  }
  if (type !== 'cgroup') {
    const takesMode = exists && takesModeOfDirectory(type, mount.options ?? []) && !isCovered(destination, earlier);
    const mode = takesMode ? modeOfDirectory(lookIn, destination) : undefined;
    return { kind: 'filesystem', type, destination, present, ...(mode === undefined ? {} : { mode }) };
  }
  if (options.cgroupHost.mode === 'v2') {
    const own = ownCgroup2(options, mount, index);
    if (own === undefined) return { kind: 'cgroup2', destination, present };
    return { kind: 'bind', tree: own, isDirectory: true, destination, present };
  }
  return { kind: 'cgroup1', destination, hierarchies: cgroupHierarchies(options), present };
}

/** The v1 hierarchies as folders of the container's cgroup mount. Where the container has no cgroup of its own it sees its caller's. */
function cgroupHierarchies({ cgroups, cgroupHost, late }: PrepareOptions): CgroupHierarchy[] {
  const folder = (controllers: string): string => controllers.replace(/^name=/, '');
  const own = cgroups.record.cgroups.filter(({ version }) => version === 1);
  if (late === undefined) return own.map(({ controllers, path }) => ({ name: folder(controllers), path }));
  return cgroupHost.hierarchies.flatMap(({ version, controllers, mountPoint, own: callers }) => {
    if (version === 2) return [];
    const made = own.find((entry) => entry.controllers === controllers);
    if (made === undefined && callers === null) return [];
    return [{ name: folder(controllers), path: made?.path ?? mountPoint + callers }];
  });
}

/**
 * In a user namespace cgroup2 can be mounted only for a cgroup namespace that belongs to it. Without one the container's cgroup alone is bound,
 * with the options of the mount: nothing else of the host's tree is in reach, and `ro` holds for all of it (CVE-2023-25809).
 */
function ownCgroup2({ config, cgroups, cgroupHost, late, descriptors }: PrepareOptions, mount: Mount, index: number) {
  const isOwn = config.linux?.namespaces?.some(({ type, path = '' }) => type === 'cgroup' && path === '') === true;
  if (late === undefined || isOwn) return undefined;
  const host = cgroupHost.hierarchies.find(({ version }) => version === 2);
  const path =
    cgroups.unified?.path ?? (host === undefined || host.own === null ? undefined : host.mountPoint + host.own);
  if (path === undefined) return undefined;
  const fd = late.open(path, false, `find the container's control group "${path}"`, `/mounts/${index}`);
  late.change(fd, bindChanges(config, mount));
  return descriptors.inherit(fd, path);
}
