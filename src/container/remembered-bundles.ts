// Bundles that are run again and again: ROOT/.bundles has a file for each (front/bundle/description.ts). The first `run` of a bundle leaves its
// name, the second fills it with a front that needs no engine for the third. (No container can be called that: an id does not begin with ".".) It is a
// convenience: where anything about it is not as it should be, there is none. Engines give each container a bundle of its own, by
// `create`; nothing is remembered of those.

import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { BUNDLES, bundlePrefix } from '../front/bundle/names.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import type { Constructed } from './construct.ts';
import { isHostRoot } from './privileges.ts';
import { replaceFile } from './replace-file.ts';

/** A file has some 200 KB. */
const MOST_BUNDLES = 32;
const LOWER_HALF = 0xffff_ffffn;
const PERMISSIONS = 0o7777;
/** Before the name of a bundle that can't be prepared: no engine is to try it again, as long as the config is the same. */
const NEVER = 'never\n';
/** Of a path, and more. */
const LONGEST_NAME = 8192;

/** To be called for a container that `run` has created, and is about to start; it adds to the time that its start takes. */
export async function rememberBundle(constructed: Constructed): Promise<void> {
  if (!isPlain(constructed)) return;
  const { making } = constructed;
  const { options } = making;
  const directory = `${options.root}/${BUNDLES}`;
  try {
    const { ino, ctimeNs, size } = statSync(`${options.bundle}/config.json`, { bigint: true });
    const path = `${directory}/${bundlePrefix()}${ino & LOWER_HALF}`;
    // A bundle that was removed leaves its inode to the next.
    const name = `${options.bundle}\n${ctimeNs} ${size}\n`;
    const known = readName(path);
    if (known === NEVER + name) return;
    if (known !== name) {
      makeDirectory(directory);
      if (!isOnlyOurs(directory)) return;
      makeRoom(directory);
      // Also in the place of one that was of no use to this run.
      replaceFile(path, name);
      return;
    }
    if (!isOnlyOurs(directory)) return;
    const { prepareBundle } = await import('./bundle-preparation.ts');
    const image = prepareBundle(constructed);
    // By its mode the front takes it for one.
    if (image === undefined) replaceFile(path, NEVER + name);
    else replaceFile(path, image, 0o700);
  } catch (error) {
    options.log.debug(`the bundle is not remembered: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Nothing but what the front can do: root on the host, control groups by file system, no hooks, no terminal. */
function isPlain({ making }: Constructed): boolean {
  const { options, loaded, parts } = making;
  const { scope, users, extras, filtering, labels, scheduling, resourceClass, copyUp, network, mappedMounts } = parts;
  const { hooks } = loaded.config;
  return (
    bundlePrefix() !== '0.' &&
    isHostRoot() &&
    (scope ?? users ?? extras ?? labels ?? scheduling ?? resourceClass ?? copyUp ?? network ?? mappedMounts) ===
      undefined &&
    filtering?.filter.notifies !== true &&
    !options.noPivot &&
    !options.noNewKeyring &&
    options.preserveFds === 0 &&
    options.pidFile === undefined &&
    Object.values(hooks ?? {}).every((list) => list.length === 0)
  );
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
    // Whatever the caller's mask is, and the group of the directory above.
    chmodSync(directory, 0o700);
  } catch (error) {
    if (errnoOf(error) !== ERRNO.EEXIST) throw error;
  }
}

/** What is in there is executed. */
function isOnlyOurs(directory: string): boolean {
  const status = lstatSync(directory);
  return status.isDirectory() && status.uid === 0 && (status.mode & PERMISSIONS) === 0o700;
}

/** Those of other builds go, and where there are too many, all do. */
function makeRoom(directory: string): void {
  const names = readdirSync(directory);
  const others = names.filter((name) => !name.startsWith(bundlePrefix()));
  const surplus = names.length - others.length < MOST_BUNDLES ? others : names;
  for (const name of surplus) rmSync(`${directory}/${name}`, { force: true });
}

/** What a run has left that was the first of its bundle; undefined where there is none. */
function readName(path: string): string | undefined {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined || !status.isFile() || status.size > LONGEST_NAME) return undefined;
  return readFileSync(path, 'utf8');
}
