// The surroundings of one test: a directory, a state directory (--root), containers; all of it is gone when the test ends, however it ends.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, type Container, type Edit, makeContainer, ok } from './container.ts';
import { leftoversOf, sweep } from './leftovers.ts';
import { makeBase, makeRootfs } from './rootfs.ts';
import { invoke, type Result } from './runtime.ts';
import { waitFor } from './wait.ts';

export interface Sandbox {
  /** A directory of the test's own, on the host. */
  readonly directory: string;
  /** The state directory that is passed as --root. */
  readonly root: string;
  /** In every name that the test makes: container ids, directories. */
  readonly token: string;
  readonly command: Command;
  /** A new bundle and id. Nothing is started. */
  container(edit?: Edit): Container;
  /** Runs a shell script in a container and returns what it wrote to stdout. It has to end with status 0. */
  shell(script: string, edit?: Edit): string;
  /** What is left of the test's containers: processes, mounts, cgroups, entries of the state directory. */
  leftovers(): string[];
  /** Fails unless nothing of the test's containers is left, waiting for what is just going away. */
  assertNothingLeft(): void;
}

let processDirectory: string | undefined;
let busybox = '';
let counter = 0;

/** One directory a test process, on a file system that is neither nodev nor noexec where possible. */
function baseDirectory(): string {
  if (processDirectory === undefined) {
    const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
    busybox = makeBase(directory);
    processDirectory = directory;
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  }
  return processDirectory;
}

interface Inner {
  readonly sandbox: Sandbox;
  clean(): void;
}

export function openSandbox(): Inner {
  const base = baseDirectory();
  counter += 1;
  const token = `ct${process.pid}x${counter}x${Date.now().toString(36)}`;
  const directory = join(base, token);
  const root = join(directory, 'state');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const ids: string[] = [];
  let commands = 0;

  const command: Command = (args, options, output) => {
    commands += 1;
    return invoke(['--root', root, ...(options.global ?? []), ...args], {
      ...options,
      output: output ?? join(directory, `command-${commands}`),
    });
  };
  const container = (edit?: Edit): Container => {
    const id = `${token}-${ids.length + 1}`;
    ids.push(id);
    const bundle = join(directory, `bundle-${ids.length}`);
    makeRootfs(join(bundle, 'rootfs'), busybox);
    return makeContainer(id, bundle, command, edit);
  };
  const shell = (script: string, edit?: Edit): string => {
    const made = container((config, place) => {
      config.process.args = ['/bin/sh', '-c', script];
      return edit?.(config, place);
    });
    return ok(made.run()).stdout;
  };
  const leftovers = () => [
    ...leftoversOf(token),
    ...readdirSync(root)
      .filter((name) => name.includes(token))
      .map((name) => `state ${name}`),
  ];
  const assertNothingLeft = () => {
    let last: string[] = [];
    try {
      waitFor(
        'a clean host',
        () => {
          last = leftovers();
          return last.length === 0;
        },
        5000,
      );
    } catch (cause) {
      throw new Error(`left behind:\n${last.join('\n')}`, { cause });
    }
  };

  const clean = () => {
    // What begins with a dot is no container.
    const names = readdirSync(root).filter((name) => !name.startsWith('.'));
    for (const name of new Set([...ids, ...names])) command(['delete', '--force', name], {});
    try {
      assertNothingLeft();
    } catch (cause) {
      sweep(token);
      throw cause;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
  return {
    sandbox: { directory, root, token, command, container, shell, leftovers, assertNothingLeft },
    clean,
  };
}

/** Writes a file into the sandbox and returns its path. */
export function writeIn(sandbox: Sandbox, name: string, content: string, mode = 0o644): string {
  const path = join(sandbox.directory, name);
  writeFileSync(path, content, { mode });
  return path;
}

export type { Container, Edit, Result };
