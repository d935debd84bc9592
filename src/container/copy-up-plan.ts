// tmpcopyup for `runt plan`: what would be copied from where, by looking only.

import { readlinkSync, statSync } from 'node:fs';
import type { PreparedMount } from '../init/inputs.ts';
import type { HostStep } from '../init/plan.ts';
import type { Mount } from '../spec/generated/types.ts';
import { type CopySource, type Cover, copySource, placeOf, type ReadLink, refuseCopy } from './copy-up-source.ts';

/** An entry of the config's `mounts`; `earlier` as the plan has them. */
export interface PlannedMount {
  readonly mount: Mount;
  readonly index: number;
  readonly destination: string;
  readonly earlier: readonly PreparedMount[];
}

/** The directory on the host, undefined where there would be nothing to copy. Throws `unsupported` as `create` does. */
export function plannedSource(rootPath: string, planned: PlannedMount): string | undefined {
  const readLink: ReadLink = (path) => {
    try {
      return readlinkSync(rootPath + path);
    } catch {
      return undefined; // no link, or nothing at all
    }
  };
  const covers: Cover[] = [];
  for (const mount of planned.earlier) covers.push({ place: placeOf(mount.destination, covers, readLink), mount });
  const place = placeOf(planned.destination, covers, readLink);
  const source = copySource(place, covers);
  if (source.from === 'unknown') refuseCopy(planned, source.reason);
  const path = pathOnHost(rootPath, source, place, planned.earlier);
  return path !== undefined && isDirectory(path) ? path : undefined;
}

function pathOnHost(
  rootPath: string,
  source: CopySource,
  place: string,
  earlier: readonly PreparedMount[],
): string | undefined {
  if (source.from === 'image') return rootPath + source.path;
  if (source.from !== 'mount') return undefined;
  const cover = earlier[source.index];
  // What a tmpfs with a copy has is, by name, what the image has.
  if (cover?.kind === 'bind') return source.path === '' ? cover.tree.text : `${cover.tree.text}/${source.path}`;
  return rootPath + place;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What the runtime would do before init. */
export function copySteps(mounts: readonly PreparedMount[]): HostStep[] {
  return mounts.flatMap((mount, index) =>
    mount.kind === 'copyUp'
      ? [{ sentence: `copy ${mount.tree.text} into a tmpfs for ${mount.destination}`, pointer: `/mounts/${index}` }]
      : [],
  );
}
