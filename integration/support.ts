// What the integration tests share beyond the conformance tests' harness: tests of runt itself, which look inside.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, runtimePath, type Sandbox, waitFor } from '../conformance/harness/index.ts';

/** The executable, not the program for Node.js. */
export const isExecutable = !runtimePath.endsWith('.js');

/** For the option `skip` of `check`. */
export const needsExecutable: string | false = isExecutable
  ? false
  : 'is about the executable; this is the program for Node.js';
export const needsNode: string | false = isExecutable
  ? 'is about the program for Node.js; this is the executable'
  : false;
export const needsStrace: string | false =
  spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0 ? false : 'needs strace';

/** A container whose program runs until it is killed. */
export function lasting(box: Sandbox): Container {
  return box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
}

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

export interface Background {
  /** The process that the caller sees. */
  readonly pid: number;
  /** Waits until it has ended; the shell's idea of its status. */
  readonly status: () => number;
  readonly hasEnded: () => boolean;
}

let commands = 0;

/** A command of the runtime in the background, as a shell would do it; `prefix`: another command that executes it. */
export function inBackground(box: Sandbox, args: readonly string[], prefix: readonly string[] = []): Background {
  commands += 1;
  const file = join(box.directory, `status-${commands}`);
  const words = [...prefix, runtimePath, '--root', box.root, ...args];
  const shell = spawn('sh', ['-c', '"$@" & echo $! >"$0.pid"; wait $!; echo $? >"$0"', file, ...words], {
    stdio: 'ignore',
  });
  shell.unref();
  const read = (path: string): number | undefined => {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text.endsWith('\n') ? Number(text) : undefined;
  };
  const pid = waitFor('the pid of the command', () => read(`${file}.pid`));
  return {
    pid,
    status: () => waitFor('the end of the command', () => read(file)),
    hasEnded: () => read(file) !== undefined,
  };
}

/** Children of a process, by their command's name. */
export function childrenOf(pid: number): { pid: number; name: string }[] {
  try {
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter((text) => text !== '');
    return pids.map((text) => ({ pid: Number(text), name: readFileSync(`/proc/${text}/comm`, 'utf8').trim() }));
  } catch {
    return [];
  }
}

let traces = 0;

/**
 * A prelude that runs the runtime under strace(1), with the processes that it starts, and what reads the lines afterwards. `filter` as for -e.
 */
export function straced(box: Sandbox, filter: string): { readonly prelude: string; lines(): string[] } {
  traces += 1;
  const file = join(box.directory, `trace-${traces}`);
  return {
    prelude: `set -- strace -f -qq -s 4096 -e signal=none -e '${filter}' -o '${file}' "$@"`,
    lines: () => readFileSync(file, 'utf8').trimEnd().split('\n'),
  };
}

/** argv[0] of the engines that the traced processes executed. */
export function enginesOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /execve\("[^"]*\/runt-engine", \["([^"]*)"/.exec(line)?.[1] ?? []);
}

/** A file that was changed just now is not relied on. */
export function waitUntilOld(path: string): void {
  waitFor('the file to be a little older', () => (Date.now() - statSync(path).ctimeMs > 100 ? true : undefined));
}

/** The paths that the traced processes tried to open or execute, and whether that went well. */
export function openedPaths(lines: readonly string[]): { readonly path: string; readonly opened: boolean }[] {
  return lines.flatMap((line) => {
    const [, path, rest = ''] =
      /\b(?:open|openat|openat2|execve)\((?:[^"]*, )?"((?:[^"\\]|\\.)*)"(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ path, opened: !/= -1 /.test(rest) }];
  });
}

/** `../shared` beside the repository, or RUNT_SHARED; undefined where there is none. */
export function sharedFolder(name: string): string | undefined {
  const root = process.env['RUNT_SHARED'] ?? join(repository(), '../shared');
  const path = join(root, name);
  return existsSync(path) ? path : undefined;
}

/** The root of the repository: these tests are compiled to build/ in it. */
export function repository(): string {
  let directory = import.meta.dirname ?? process.cwd();
  while (!existsSync(join(directory, 'package.json')) || !existsSync(join(directory, 'schemas'))) {
    const parent = join(directory, '..');
    if (parent === directory) return process.cwd();
    directory = parent;
  }
  return directory;
}

/** Makes a directory below the sandbox's and returns its path. */
export function directoryIn(box: Sandbox, name: string): string {
  const path = join(box.directory, name);
  mkdirSync(path, { recursive: true });
  return path;
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
