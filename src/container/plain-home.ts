// HOME as the container's /etc/passwd has it, where that is a plain file in a plain directory: without koffi, and so without openat2, which
// home.ts needs to follow links.

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { PasswdFile } from '../front/exec-record.ts';
import { major, minor } from '../front/record.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { O_PATH } from '../linux/mount-constants.ts';
import { homeIn } from './home.ts';

export interface FoundHome {
  readonly path: string;
  readonly passwd: PasswdFile | 'none';
}

const LIMIT = 1024n * 1024n;
/**
 * Milliseconds: a file that was changed just now may change again without its time telling. The kernel's clock for files goes in steps of at most 10,
 * where the file system has parts of a second; those that have none may have steps of two.
 */
const TOO_YOUNG = 50n;
const TOO_YOUNG_IN_SECONDS = 3000n;
const NANOSECONDS = 1_000_000_000n;

/** `root`: the container's, by a path to be followed. `unclear`: there is a link, or something else that is not plain; `young`: it is not to be relied on yet. */
export function findHome(root: string, uid: number): FoundHome | 'unclear' | 'young' {
  const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
  const opened: number[] = [];
  const open = (path: string, flags: number): number => {
    const fd = openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  try {
    const directory = open(`${root}/etc`, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    // Only a place: opening a device has effects.
    const place = open(`/proc/self/fd/${directory}/passwd`, O_PATH | O_NOFOLLOW);
    const status = fstatSync(place, { bigint: true });
    if (!status.isFile() || status.size > LIMIT) return 'unclear';
    const nanoseconds = status.ctimeNs % NANOSECONDS;
    if (BigInt(Date.now()) - status.ctimeMs < (nanoseconds === 0n ? TOO_YOUNG_IN_SECONDS : TOO_YOUNG)) return 'young';
    // Read after it was looked at: what is changed in between has another time.
    const text = readFileSync(open(`/proc/self/fd/${place}`, O_RDONLY), 'utf8');
    return {
      path: homeIn(text, uid) ?? '/',
      passwd: {
        inode: status.ino,
        major: major(status.dev),
        minor: minor(status.dev),
        seconds: status.ctimeNs / NANOSECONDS,
        nanoseconds: Number(nanoseconds),
      },
    };
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return { path: '/', passwd: 'none' };
    return 'unclear';
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
