// The caller's standard streams as the container gets them: the very same open files. Only their owner may have to change, or a program
// that is not root could write to its standard output, but not open /dev/stdout.

import { fstatSync } from 'node:fs';

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
