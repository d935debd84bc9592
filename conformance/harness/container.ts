// One container of a test: its bundle, its id, and the operations on it.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, defaultConfig } from './config.ts';
import type { InvokeOptions, Result } from './runtime.ts';
import { waitFor } from './wait.ts';

/** `paused` is no status of the specification's: runtimes with `pause` have it. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export interface State {
  ociVersion: string;
  id: string;
  status: Status;
  pid?: number;
  bundle: string;
  annotations?: Record<string, string>;
}

export type Options = Omit<Partial<InvokeOptions>, 'output'> & {
  /** Options of the command, before the id. */
  readonly flags?: readonly string[];
  /** Global options, after --root. */
  readonly global?: readonly string[];
};

export interface Container {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** Writes config.json again: the default config as changed by `edit`, or what `edit` returns. */
  configure(edit?: Edit): void;
  create(options?: Options): Result;
  start(options?: Options): Result;
  run(options?: Options): Result;
  /** `exec [FLAGS] ID ARGS`. */
  exec(args: readonly string[], options?: Options): Result;
  /** `kill ID SIGNAL`, or `kill ID` without a signal. */
  kill(signal?: string, options?: Options): Result;
  delete(options?: Options): Result;
  pause(options?: Options): Result;
  resume(options?: Options): Result;
  stateResult(options?: Options): Result;
  /** The state, parsed; the command has to succeed. */
  state(): State;
  /** The pid; the container has to have one. */
  pid(): number;
  waitForStatus(status: Status): State;
  /** What the container (or create) wrote to its standard output and error so far. */
  stdout(): string;
  stderr(): string;
  waitForOutput(pattern: RegExp): string;
}

// biome-ignore lint/suspicious/noConfusingVoidType: an edit either changes the config it is given or returns another one
export type Edit = (config: Config, container: { bundle: string; rootfs: string; id: string }) => unknown | void;

/** Runs a command of the runtime with the sandbox's --root; the output goes to files with the given prefix. */
export type Command = (args: readonly string[], options: Options, output?: string) => Result;

export function makeContainer(id: string, bundle: string, command: Command, edit?: Edit): Container {
  const rootfs = join(bundle, 'rootfs');
  const output = join(bundle, 'output');
  const configPath = join(bundle, 'config.json');

  const configure = (change?: Edit) => {
    const config = defaultConfig();
    const other = change?.(config, { bundle, rootfs, id });
    writeFileSync(configPath, JSON.stringify(other === undefined ? config : other, null, 1));
  };
  const onBundle = (name: string, options: Options = {}) =>
    command([name, '--bundle', bundle, ...(options.flags ?? []), id], options, output);
  const onId = (name: string, options: Options = {}, ...rest: string[]) =>
    command([name, ...(options.flags ?? []), id, ...rest], options);
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

  const container: Container = {
    id,
    bundle,
    rootfs,
    configure,
    create: (options) => onBundle('create', options),
    start: (options) => onId('start', options),
    run: (options) => onBundle('run', options),
    exec: (args, options) => onId('exec', options, ...args),
    kill: (signal, options) => onId('kill', options, ...(signal === undefined ? [] : [signal])),
    delete: (options) => onId('delete', options),
    pause: (options) => onId('pause', options),
    resume: (options) => onId('resume', options),
    stateResult: (options) => onId('state', options),
    state: () => JSON.parse(ok(container.stateResult()).stdout) as State,
    pid: () => {
      const { pid } = container.state();
      assert.ok(pid !== undefined && pid > 0, 'the state has a pid');
      return pid;
    },
    waitForStatus: (status) =>
      waitFor(`status ${status}`, () => {
        const state = container.state();
        return state.status === status ? state : undefined;
      }),
    stdout: () => read(`${output}.out`),
    stderr: () => read(`${output}.err`),
    waitForOutput: (pattern) =>
      waitFor(`output ${pattern}`, () => {
        const text = container.stdout();
        return pattern.test(text) ? text : undefined;
      }),
  };
  configure(edit);
  return container;
}

/** The command has to succeed; returns its result. */
export function ok(result: Result): Result {
  assert.equal(result.status, 0, `${result.command} exited ${result.status}: ${result.stderr}${result.stdout}`);
  return result;
}

/** The command has to run the default program; returns its result. */
export function ran(result: Result): Result {
  assert.equal(ok(result).stdout, 'the program ran\n', result.command);
  return result;
}

/** Either the default program is run, or the command fails as by `refused`: for configs that a runtime may accept or not. */
export function ranOrRefused(result: Result): void {
  if (result.status === 0) ran(result);
  else refused(result);
}

/** The command has to fail by its own choice (not by a signal, nor at the deadline) and to say why on stderr; returns its result. */
export function refused(result: Result, message?: RegExp): Result {
  assert.notEqual(result.status, 0, `${result.command} was expected to fail, and did not`);
  assert.ok(result.status > 0 && result.status < 256, `${result.command} did not end by itself: ${result.stderr}`);
  assert.match(result.stderr, /\S/, `${result.command} failed without a word on stderr`);
  assert.doesNotMatch(
    result.stderr,
    /goroutine \d+ \[|\n\s+at \S+ \(.*:\d+:\d+\)|TypeError|ReferenceError/,
    'a crash, not an error',
  );
  if (message !== undefined) assert.match(result.stderr, message);
  return result;
}

/**
 * A prelude (see InvokeOptions) that gives the runtime a mount namespace of its own, where the script mounts what the test needs: the host's mount
 * table is never touched.
 */
export function inMountNamespace(script: string): string {
  const inner = `set -e\n${script}\nexec "$@"`.replaceAll("'", "'\\''");
  return `exec unshare --mount --propagation private /bin/sh -c '${inner}' sh "$@"`;
}
