// Reading a named pipe until its last writer is gone, with node:fs alone: `start` loads no koffi.

import { closeSync, constants, openSync } from 'node:fs';

/**
 * A descriptor that blocks in read(2) until there is data, and meets the end of file when nobody has the FIFO open for writing.
 * The plain open of a FIFO would wait for a writer, for ever if that has just ended: a writer of our own is there
 * while it is opened (fifo(7)).
 */
export function openFifoForReading(path: string): number {
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const reader = openSync(path, constants.O_RDONLY);
  closeSync(writer);
  closeSync(first);
  return reader;
}
