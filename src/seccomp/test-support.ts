// For the tests of this directory: libseccomp as the oracle, used as runc uses it. runt itself never loads it.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { koffi, type NativeFunction, type NativeLibrary } from '../linux/koffi.ts';
import type { Seccomp, SeccompArg } from '../spec/generated/types.ts';
import { type FilteredArchitecture, OPERATORS } from './names.ts';
import { returned } from './rules.ts';

export const TOKENS: Readonly<Record<FilteredArchitecture, number>> = {
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_AARCH64: 0xc00000b7,
  SCMP_ARCH_ARM: 0x40000028,
};
const EEXIST = 17;

export interface Oracle {
  /** The number of a call; negative: libseccomp does not know it, or it has none on that architecture. */
  resolve(name: string, architecture: FilteredArchitecture): number;
  /** The program that libseccomp makes of a profile for exactly these architectures; undefined: it refuses the profile. */
  compile(profile: Seccomp, architectures: readonly FilteredArchitecture[]): Uint8Array | undefined;
}

let oracle: Oracle | undefined | false;

/** undefined where libseccomp.so.2 is not installed. */
export function libseccomp(): Oracle | undefined {
  if (oracle === undefined) {
    try {
      oracle = bind(koffi().load('libseccomp.so.2'));
    } catch {
      oracle = false;
    }
  }
  return oracle === false ? undefined : oracle;
}

export const NO_LIBSECCOMP = 'needs libseccomp.so.2 (package libseccomp2)';

function bind(library: NativeLibrary): Oracle {
  const functions = new Map<string, NativeFunction>();
  const call = (prototype: string, ...args: (number | bigint)[]): number => {
    let bound = functions.get(prototype);
    if (bound === undefined) {
      bound = library.func(prototype);
      functions.set(prototype, bound);
    }
    return bound(...args);
  };
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  const resolve = (name: string, token: number): number => {
    const bytes = text(name);
    const number = call('int seccomp_syscall_resolve_name_arch(uint32, int64)', token, koffi().address(bytes));
    return bytes.length > 0 ? number : 0;
  };
  const native = process.arch === 'arm64' ? TOKENS.SCMP_ARCH_AARCH64 : TOKENS.SCMP_ARCH_X86_64;

  function add(context: number, number: number, action: number, args: readonly SeccompArg[]): number {
    const bytes = Buffer.alloc(24 * Math.max(1, args.length));
    args.forEach(({ index, op, value, valueTwo }, at) => {
      bytes.writeUInt32LE(index, at * 24);
      bytes.writeUInt32LE(OPERATORS.indexOf(op) + 1, at * 24 + 4);
      bytes.writeBigUInt64LE(BigInt(value), at * 24 + 8);
      bytes.writeBigUInt64LE(BigInt(valueTwo ?? 0), at * 24 + 16);
    });
    const address = koffi().address(bytes);
    const prototype = 'int seccomp_rule_add_array(int64, uint32, int, uint32, int64)';
    const result = call(prototype, context, action, number, args.length, address);
    return bytes.length > 0 ? result : 0;
  }

  function addAll(context: number, profile: Seccomp): boolean {
    const defaultAction = returned(profile.defaultAction, profile.defaultErrnoRet);
    for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
      const verdict = returned(action, errnoRet);
      if (verdict === defaultAction) continue;
      const repeated = new Set(args.map(({ index }) => index)).size < args.length;
      const alternatives = repeated ? args.map((one) => [one]) : [args];
      for (const name of names) {
        const number = resolve(name, native);
        if (number === -1) continue;
        for (const one of alternatives) {
          const result = add(context, number, verdict, one);
          if (result === -EEXIST) return false;
          if (result < 0) throw new Error(`libseccomp: rule for ${name}: ${result}`);
        }
      }
    }
    return true;
  }

  function compile(profile: Seccomp, architectures: readonly FilteredArchitecture[]): Uint8Array | undefined {
    const context = call('int64 seccomp_init(uint32)', returned(profile.defaultAction, profile.defaultErrnoRet));
    const directory = mkdtempSync(join(tmpdir(), 'oracle-'));
    try {
      for (const name of architectures) call('int seccomp_arch_add(int64, uint32)', context, TOKENS[name]);
      if (!architectures.some((name) => TOKENS[name] === native)) {
        call('int seccomp_arch_remove(int64, uint32)', context, native);
      }
      if (!addAll(context, profile)) return undefined;
      const file = join(directory, 'bpf');
      const fd = openSync(file, 'w');
      const result = call('int seccomp_export_bpf(int64, int)', context, fd);
      closeSync(fd);
      if (result < 0) throw new Error(`seccomp_export_bpf: ${result}`);
      return new Uint8Array(readFileSync(file));
    } finally {
      call('void seccomp_release(int64)', context);
      rmSync(directory, { recursive: true });
    }
  }
  return { resolve: (name, architecture) => resolve(name, TOKENS[architecture]), compile };
}

/** Numbers in [0, 1) that are the same at each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
