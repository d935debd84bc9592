// Reads a document from a file, with bounds: a path that someone else chose may lead to anything.

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { fail } from '../error.ts';

/** No config comes near this: the largest of Docker's have 20 KB. */
const MOST_BYTES = 16 * 1024 * 1024;
const STDIN = 0;

/** What Node.js says about a failed call, as far as a problem needs it. */
function reason(error: unknown): { syscall?: string; errno?: number } {
  if (!(error instanceof Error)) return {};
  const { syscall, errno } = error as NodeJS.ErrnoException;
  return { ...(syscall === undefined ? {} : { syscall }), ...(errno === undefined ? {} : { errno: Math.abs(errno) }) };
}

/**
 * The text of a file; "-" is standard input. Throws a RuntError of code `config` where it can't be opened, is not a regular
 * file, has more than 16 MiB or is not UTF-8. `mayBePipe`: the caller has named this very file, and a shell's `<(…)` is a pipe.
 */
export function readDocument(file: string, mayBePipe = false): string {
  if (file === '-') return readText(STDIN, 'standard input');
  let fd: number;
  try {
    // Non-blocking, so that a FIFO without a writer does not hang; who names a pipe means to write to it.
    const blocking = mayBePipe && statSync(file).isFIFO() ? 0 : constants.O_NONBLOCK;
    fd = openSync(file, constants.O_RDONLY | blocking | constants.O_NOCTTY);
  } catch (error) {
    const hint = file.endsWith('config.json')
      ? 'a bundle is a directory with a config.json; "runt spec" writes one'
      : undefined;
    fail({ code: 'config', message: `read ${file}`, ...reason(error), ...(hint === undefined ? {} : { hint }) }, error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() && !(mayBePipe && stat.isFIFO()))
      fail({ code: 'config', message: `${file} is not a regular file` });
    return readText(fd, file);
  } finally {
    closeSync(fd);
  }
}

function readText(fd: number, name: string): string {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    let count: number;
    try {
      count = readSync(fd, chunk);
    } catch (error) {
      fail({ code: 'config', message: `read ${name}`, ...reason(error) }, error);
    }
    if (count === 0) break;
    size += count;
    // Counted while reading: a size that was asked for before may have changed since.
    if (size > MOST_BYTES) fail({ code: 'config', message: `${name} is larger than ${MOST_BYTES / 1024 / 1024} MiB` });
    chunks.push(chunk.subarray(0, count));
  }
  const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  if (!isUtf8(bytes)) fail({ code: 'config', message: `${name} is not UTF-8 text` });
  return bytes.toString('utf8');
}

/** Throws a RuntError of code `config`; where in the text it is wrong is the full report's to tell. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail({ code: 'config', message: `${file} is not JSON: ${reason}` }, error);
  }
}
