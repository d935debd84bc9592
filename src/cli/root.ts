// Where the state of the containers is kept.

import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import { SYSTEM_ROOT } from '../front/names.ts';
import { resolvePath } from '../linux/paths.ts';

export interface Caller {
  readonly effectiveUid: number;
  readonly environment: { readonly XDG_RUNTIME_DIR?: string | undefined; readonly USER?: string | undefined };
  /** Whether the caller is in a user namespace of its own; asked only where it matters. */
  readonly inUserNamespace: () => boolean;
}

/** user_namespaces(7): in the initial namespace the one line of the map is `0 0 4294967295`. */
function inUserNamespace(): boolean {
  return readFileSync('/proc/self/uid_map', 'latin1').trim().split(/\s+/).join(' ') !== '0 0 4294967295';
}

export function thisCaller(): Caller {
  const { XDG_RUNTIME_DIR, USER } = process.env;
  return { effectiveUid: process.geteuid?.() ?? 0, environment: { XDG_RUNTIME_DIR, USER }, inUserNamespace };
}

/**
 * The directory that holds one directory a container. `given` is the --root option. By default /run/runt; under
 * $XDG_RUNTIME_DIR for a caller without root privileges on the host, by the same rule as runc (whose real root ignores
 * the variable, which sudo and su may leave behind).
 */
export function stateRoot(
  given: string | undefined,
  caller: Caller,
): { readonly path: string; readonly perUser: boolean } {
  if (given !== undefined) {
    if (given === '') fail({ code: 'usage', message: '--root is empty', hint: `leave it out for the default` });
    const path = resolvePath(process.cwd(), given);
    if (path === '/') fail({ code: 'usage', message: '--root may not be /', hint: 'name a directory of its own' });
    return { path, perUser: false };
  }
  const { XDG_RUNTIME_DIR: runtimeDirectory, USER: user } = caller.environment;
  if (runtimeDirectory === undefined || runtimeDirectory === '') return { path: SYSTEM_ROOT, perUser: false };
  const isHostRoot = caller.effectiveUid === 0 && (!caller.inUserNamespace() || user === 'root');
  return isHostRoot ? { path: SYSTEM_ROOT, perUser: false } : { path: `${runtimeDirectory}/runt`, perUser: true };
}

/**
 * Makes the directory of a user with the sticky bit: without it, cleaners of $XDG_RUNTIME_DIR may remove what was not
 * touched for hours (XDG base directory specification).
 */
export function prepareUserRoot(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o1700);
  } catch (error) {
    fail(
      {
        code: 'state',
        message: `make the state directory ${path}: ${(error as Error).message}`,
        hint: 'give another with --root',
      },
      error,
    );
  }
}
