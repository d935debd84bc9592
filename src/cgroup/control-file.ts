// Control files of cgroupfs: short texts that are read and written at once.

import { readFileSync, writeFileSync } from 'node:fs';
import { attempt } from './failure.ts';

/** The text of a control file. Throws `cgroup`. */
export function readControl(file: string, pointer?: string): string {
  // What the kernel prints there is ASCII.
  return attempt(`read ${file}`, () => readFileSync(file, 'latin1'), pointer);
}

/** Writes a value in one write(2), as the kernel wants it. Throws `cgroup`. */
export function writeControl(file: string, value: string, pointer?: string, hint?: string): void {
  // Not the default flags of writeFileSync: they would create a file that is missing.
  attempt(`write ${JSON.stringify(value)} to ${file}`, () => writeFileSync(file, value, { flag: 'r+' }), pointer, hint);
}
