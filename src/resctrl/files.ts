// What is made, written and read in resctrl; a refusal has what the kernel says of it.

import { closeSync, constants, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { fail } from '../error.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';

/** The field of the config that it is all about. */
export const AT = '/linux/intelRdt';

/** undefined: it can't be read. */
export function text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** False: it was there. */
export function makeDirectory(root: string, path: string, doing: string, pointer: string): boolean {
  try {
    mkdirSync(path, 0o755);
    return true;
  } catch (error) {
    if (errnoOf(error) === ERRNO.EEXIST) return false;
    return refused(root, doing, pointer, error);
  }
}

export function writeSchemata(root: string, path: string, value: string, pointer?: string): void {
  const file = `${path}/schemata`;
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_TRUNC);
    try {
      writeSync(fd, value);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    refused(root, `write ${JSON.stringify(value)} to ${file}`, pointer, error);
  }
}

export function refused(root: string, message: string, pointer: string | undefined, error: unknown): never {
  const status = text(`${root}/info/last_cmd_status`) ?? 'ok';
  return fail(
    {
      code: 'system',
      message,
      ...(pointer === undefined ? {} : { pointer }),
      errno: errnoOf(error),
      ...(status === 'ok' || status === '' ? {} : { hint: `resctrl says: ${status}` }),
    },
    error,
  );
}
