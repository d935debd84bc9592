// HOME of the container's user, as its image says; the specification is silent, programs expect it.

import { lacksHome } from '../init/environment.ts';
import { IN_ROOT } from '../init/steps/context.ts';
import { AT_FDCWD, O_CLOEXEC, O_NONBLOCK, O_PATH, O_RDONLY, OPEN_HOW_SIZE, openHow } from '../linux/mount-constants.ts';
import { cleanPath, resolvePath } from '../linux/paths.ts';
import { syscall } from '../linux/syscall.ts';
import type { Config } from '../spec/generated/types.ts';

/** A passwd file is small; an image may hold anything under that name (S07). */
const LIMIT = 1024 * 1024;
const CHUNK = 8192;
/** Not to hang on a FIFO. */
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const AT_EMPTY_PATH = 0x1000;
const STATX_TYPE = 1;

/** undefined: the config's env has a HOME that is not empty, or there is no process. `/` for a user that the image does not know. */
export function homeOf(config: Config, bundle: string, root: number): string | undefined {
  const { process } = config;
  if (process === undefined || !lacksHome(process.env)) return undefined;
  const uid = process.user?.uid ?? 0;
  return homeIn(readPasswd(config, bundle, root), uid) ?? '/';
}

/** HOME as the user database below `root` (a descriptor) has it: what is mounted there is seen. */
export function homeBelow(root: number, uid: number): string {
  return homeIn(readPlainFile(openInRoot(root)), uid) ?? '/';
}

/** The sixth field of the first line whose third is the uid: by number only, a user may be *named* like a number (CVE-2016-3697). */
export function homeIn(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split('\n')) {
    const [, , number, , , home] = line.split(':');
    if (number !== undefined && /^\d+$/.test(number) && Number(number) === uid) {
      return home === undefined || home === '' || home.includes('\0') ? undefined : home;
    }
  }
  return undefined;
}

/** '' where there is none, or where it is no plain file of reasonable size. */
function readPasswd(config: Config, bundle: string, root: number): string {
  // An engine may mount its own over the image's.
  const mounted = (config.mounts ?? []).findLast(({ destination }) => cleanPath(destination) === '/etc/passwd');
  return readPlainFile(
    mounted?.source === undefined
      ? openInRoot(root)
      : syscall('openat', AT_FDCWD, resolvePath(bundle, mounted.source), O_PATH | O_CLOEXEC, 0),
  );
}

function openInRoot(root: number): number {
  return syscall('openat2', root, '/etc/passwd', openHow(O_PATH | O_CLOEXEC, IN_ROOT), OPEN_HOW_SIZE);
}

/**
 * Closes the descriptor, which is only a place (O_PATH): what is there is opened when it is known to be a plain file. Opening a device has
 * effects (a watchdog begins to count), and the container's rules for devices do not hold for us. '' for anything else, and for an error.
 */
function readPlainFile(place: number): string {
  if (place < 0) return '';
  let fd = place;
  try {
    const status = Buffer.alloc(256);
    if (syscall('statx', place, '', AT_EMPTY_PATH, STATX_TYPE, status) < 0) return '';
    if ((status.readUInt16LE(28) & S_IFMT) !== S_IFREG) return '';
    fd = syscall('openat', AT_FDCWD, `/proc/self/fd/${place}`, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) return '';
    // The usual file has a few lines; a buffer of the largest size would cost more than reading it.
    const bytes = Buffer.alloc(CHUNK);
    let text = '';
    for (let total = 0; total < LIMIT; ) {
      const read = syscall('read', fd, bytes, CHUNK);
      if (read <= 0) break;
      text += bytes.toString('latin1', 0, read);
      total += read;
    }
    return Buffer.from(text, 'latin1').toString('utf8');
  } finally {
    syscall('close', place);
    if (fd >= 0 && fd !== place) syscall('close', fd);
  }
}
