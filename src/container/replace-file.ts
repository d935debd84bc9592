// A file that somebody may read at any time: whole, the old one or the new.

import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Written beside the path, and renamed. The mode does not depend on the caller's mask where it is given. Throws what node:fs throws; then nothing is left. */
export function replaceFile(path: string, content: string | Uint8Array, mode?: number): void {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' });
    if (mode !== undefined) chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
