// Where the contents of a tmpfs with `tmpcopyup` come from: what the container has at the place when it is this mount's turn, which an earlier mount
// may cover. Pure: links are read by the caller.

import { fail } from '../error.ts';
import type { PreparedMount } from '../init/inputs.ts';
import type { Mount } from '../spec/generated/types.ts';

/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** An earlier entry of the config's `mounts`. */
export interface Cover {
  /** Without links. */
  readonly place: string;
  readonly mount: PreparedMount;
}

export type CopySource =
  /** Below the image's root, without links. */
  | { readonly from: 'image'; readonly path: string }
  /** Below the root of the earlier mount's tree; '' is that itself. */
  | { readonly from: 'mount'; readonly index: number; readonly path: string }
  /** Nothing is there. */
  | { readonly from: 'nothing' }
  | { readonly from: 'unknown'; readonly reason: string };

/** The target of the symbolic link that the image has at `path`; undefined: it has none there. */
export type ReadLink = (path: string) => string | undefined;

/**
 * The path in the container with the links of the image followed, component by component, as the kernel would. What an earlier mount covers is
 * the image's no more: there nothing is followed.
 */
export function placeOf(path: string, earlier: readonly Cover[], readLink: ReadLink): string {
  let links = 0;
  let done: string[] = [];
  const pending = path.split('/').reverse();
  let name = pending.pop();
  for (; name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    done.push(name);
    const here = `/${done.join('/')}`;
    if (earlier.some(({ place }) => isAtOrBelow(here, place))) continue;
    const target = readLink(here);
    if (target === undefined) continue;
    links += 1;
    // The kernel would not get there; init says so.
    if (links > MAX_LINKS) return path;
    done.pop();
    if (target.startsWith('/')) done = [];
    pending.push(...target.split('/').reverse());
  }
  return `/${done.join('/')}`;
}

/** `place`: as by placeOf. */
export function copySource(place: string, earlier: readonly Cover[]): CopySource {
  const index = earlier.findLastIndex((other) => isAtOrBelow(place, other.place));
  const inside = earlier.slice(index + 1).find((other) => other.place !== place && isAtOrBelow(other.place, place));
  if (inside !== undefined) {
    return { from: 'unknown', reason: `the earlier mount on "${inside.place}" would have to be copied too` };
  }
  const cover = earlier[index];
  if (cover === undefined) return { from: 'image', path: place };
  const { mount } = cover;
  const path = place.slice(cover.place === '/' ? 1 : cover.place.length + 1);
  if (mount.kind === 'bind' || mount.kind === 'copyUp') return { from: 'mount', index, path };
  // New and empty. What init makes in it are mount points: of mounts that were refused above, or on the way there.
  const isEmpty = mount.kind === 'filesystem' && (mount.type === 'tmpfs' || mount.type === 'ramfs');
  if (isEmpty && path !== '') return { from: 'nothing' };
  return { from: 'unknown', reason: `the earlier mount on "${cover.place}" covers the place` };
}

/** Throws `unsupported`, at the option itself. */
export function refuseCopy(
  { mount, index, destination }: { readonly mount: Mount; readonly index: number; readonly destination: string },
  reason: string,
): never {
  return fail({
    code: 'unsupported',
    message: `the mount option tmpcopyup for "${destination}" is not supported here: ${reason}`,
    pointer: optionPointer(index, mount, 'tmpcopyup'),
  });
}

export function optionPointer(index: number, mount: Mount, option: string): string {
  return `/mounts/${index}/options/${(mount.options ?? []).indexOf(option)}`;
}

function isAtOrBelow(path: string, place: string): boolean {
  return place === '/' || path === place || path.startsWith(`${place}/`);
}

const OWNERS = ['uid', 'gid'] as const;
export type OwnerKey = (typeof OWNERS)[number];

/** The mount's own data, with ids as they are on the host. `hostId`: undefined where the id has none. Throws what `unmapped` throws. */
export function dataOnHost(
  data: readonly string[],
  hostId: (key: OwnerKey, id: number) => number | undefined,
  unmapped: (option: string) => never,
): string[] {
  return data.map((option) => {
    const [, key, id] = /^(uid|gid)=(\d+)$/.exec(option) ?? [];
    const owner = OWNERS.find((name) => name === key);
    if (owner === undefined) return option;
    return `${owner}=${hostId(owner, Number(id)) ?? unmapped(option)}`;
  });
}

/** Whether the mount's own data say it: mode, uid or gid of the root. */
export function isGiven(data: readonly string[], key: OwnerKey | 'mode'): boolean {
  return data.some((option) => option.startsWith(`${key}=`));
}
