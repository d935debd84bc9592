// The only place that loads koffi: the bare addon, without its JavaScript wrapper (which costs more than all calls of a `create`).
// In the installed executable the addon lies beside it and is loaded from there, never from a temporary folder or the working directory.

import { createRequire } from 'node:module';
import { fail } from '../error.ts';

/** What is used of the addon's interface. */
export type NativeFunction = (...args: readonly (number | bigint)[]) => number;
export interface NativeLibrary {
  func(prototype: string): NativeFunction;
}
interface Addon {
  load(path: string | null): NativeLibrary;
  /** The calling thread's errno after the last call. */
  errno(): number;
  address(buffer: Uint8Array): bigint;
}

function addonPath(): string {
  if (process.env['RUNT_STANDALONE'] === '1')
    return `${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}/koffi.node`;
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  return createRequire(import.meta.url).resolve(
    `@koromix/koffi-linux-${architecture}/linux_${architecture}/koffi.node`,
  );
}

function loadAddon(): Addon {
  const holder: { exports: unknown } = { exports: {} };
  const path = addonPath();
  try {
    process.dlopen(holder, path);
  } catch (error) {
    fail(
      {
        code: 'host',
        message: `load koffi's addon "${path}": ${error instanceof Error ? error.message : String(error)}`,
        hint: 'koffi.node must lie beside the runt executable; install both together',
      },
      error,
    );
  }
  return holder.exports as Addon;
}

let addon: Addon | undefined;
let libc: NativeLibrary | undefined;

/** koffi's addon; loaded at the first use. */
export function koffi(): Addon {
  addon ??= loadAddon();
  return addon;
}

/** The C library that the engine itself is linked with. */
export function libraryC(): NativeLibrary {
  libc ??= koffi().load(null);
  return libc;
}
