// Where the fronts of bundles lie (description.ts): what the engine of any `run` has to know of them.

import { thisBuild } from '../exec-record.ts';

/** In the state root: a file for each bundle, named by the build and by the lower half of the inode of its config.json. */
export const BUNDLES = '.bundles';
/** Modes of that directory and of what it holds: nobody else's. One that only has a name has another: that bundle was run once. */
export const DIRECTORY_MODE = 0o040700;
export const FILE_MODE = 0o100700;

/** Where in such an executable its size is written, in 4 bytes: what nobody uses of the identification (elf(5), EI_PAD). */
export const SIZE_AT = 12;

/** The name of the file, but for the inode in decimal. */
export function bundlePrefix(): string {
  return `${thisBuild().toString(16)}.`;
}
