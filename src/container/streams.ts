// The caller's standard streams as the container gets them: the very same open files. Only their owner may have to change, or a program
// that is not root could write to its standard output, but not open /dev/stdout.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { syscall } from '../linux/syscall.ts';

const F_GETFL = 3;
const O_ACCMODE = 3;
/** makedev(1, 3) */
const NULL_DEVICE = 0x103;

/**
 * Which of the streams 0 to 2 are to be given to the user: pipes, sockets and files of another. Never devices, the host's /dev/null and
 * terminals among them (runc#3674).
 */
export function streamsToGive(uid: number): number[] {
  const found: number[] = [];
  for (let fd = 0; fd < 3; fd++) {
    try {
      const stat = fstatSync(fd);
      if (stat.uid !== uid && (stat.isFIFO() || stat.isSocket() || stat.isFile())) found.push(fd);
    } catch {
      // Closed by the caller, and by nobody opened since.
    }
  }
  return found;
}

/**
 * An engine that wants no output may give a /dev/null that is open for reading only (containerd's shim does): the program's writes would fail.
 * It gets one for both, as from runc. To be called before the program's process is spawned.
 */
export function reopenNull(): void {
  for (let fd = 0; fd < 3; fd++) {
    try {
      const stat = fstatSync(fd);
      if (!stat.isCharacterDevice() || stat.rdev !== NULL_DEVICE) continue;
    } catch {
      // Closed.
      continue;
    }
    if ((syscall('fcntl', fd, F_GETFL) & O_ACCMODE) === constants.O_RDWR) continue;
    const both = openSync('/dev/null', constants.O_RDWR);
    syscall('dup3', both, fd, 0);
    closeSync(both);
  }
}
