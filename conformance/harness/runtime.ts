// The runtime under test: a program known only by its command line.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patience } from './wait.ts';

export type Kind = 'runc' | 'crun' | 'runt' | 'other';

export interface Result {
  /** The exit status; 128 + number when the runtime itself died of a signal, -1 when it was killed at the deadline. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The command, for messages. */
  readonly command: string;
}

export interface InvokeOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What the runtime reads on its standard input; nothing (/dev/null) by default. */
  readonly input?: string;
  /** Host descriptors to pass on as 3, 4, … ('ignore' leaves a number unused). */
  readonly descriptors?: readonly (number | 'ignore')[];
  /** Where stdout and stderr go: `PREFIX.out`, `PREFIX.err`. */
  readonly output: string;
  /** Run it by way of a shell that first does this (ulimit, umask, exec 5</): the callers' surroundings. */
  readonly prelude?: string;
}

const deadline = 30_000 * patience;

function repositoryRoot(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'conformance')) && existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) return undefined;
  }
}

/** The path in `RUNTIME`, or `dist/runt` of the repository that holds the working directory or these tests. */
export function findRuntime(): string {
  const given = process.env['RUNTIME'];
  if (given !== undefined && given !== '') return resolve(given);
  const root = repositoryRoot(process.cwd()) ?? repositoryRoot(dirname(fileURLToPath(import.meta.url)));
  return join(root ?? process.cwd(), 'dist/runt');
}

export const runtimePath = findRuntime();

/** Global options before all others, from `RUNTIME_FLAGS`, separated by blanks: by them a whole run tests another way of the runtime. */
export const runtimeFlags = (process.env['RUNTIME_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');

/** A reason to skip what names a cgroup by its path, where systemd manages the cgroups: it is named by slice, prefix and name there. */
export const byPathOnly = runtimeFlags.includes('--systemd-cgroup')
  ? 'with --systemd-cgroup a cgroup is named otherwise than by its path'
  : false;

/** Which program it is, by the first line of `--version`: some are known to differ from the specification in places. */
function kindOf(path: string): Kind {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  const name = /^(\S+) version/.exec(stdout ?? '')?.[1];
  return name === 'runc' || name === 'crun' || name === 'runt' ? name : 'other';
}

export const runtimeKind: Kind = kindOf(runtimePath);

/** The last component of the path of a container's cgroup where the config gives none: systemd's unit, or the id. */
export const cgroupName = (id: string): string => (byPathOnly === false ? id : `${runtimeKind}-${id}.scope`);

/**
 * Runs the runtime. Its output goes to files, not pipes: a created container inherits them, and a pipe would keep us waiting for the container.
 */
export function invoke(args: readonly string[], options: InvokeOptions): Result {
  const out = openSync(`${options.output}.out`, 'w+');
  const err = openSync(`${options.output}.err`, 'w+');
  try {
    const argv =
      options.prelude === undefined
        ? [runtimePath, ...runtimeFlags, ...args]
        : ['/bin/sh', '-c', `${options.prelude}\nexec "$@"`, 'sh', runtimePath, ...runtimeFlags, ...args];
    const [file = runtimePath, ...rest] = argv;
    const child = spawnSync(file, rest, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', out, err, ...(options.descriptors ?? [])],
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      timeout: deadline,
      killSignal: 'SIGKILL',
    });
    return {
      status: child.error === undefined ? (child.status ?? 255) : -1,
      stdout: readFileSync(`${options.output}.out`, 'utf8'),
      stderr: readFileSync(`${options.output}.err`, 'utf8') + (child.error === undefined ? '' : String(child.error)),
      command: args.join(' '),
    };
  } finally {
    closeSync(out);
    closeSync(err);
  }
}

/** Runs several commands at the same time, each as by `invoke`, and waits for all. */
export function invokeTogether(commands: readonly (readonly string[])[], directory: string): Result[] {
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  const script = commands
    .map((args, index) => {
      const line = [runtimePath, ...runtimeFlags, ...args].map(quote).join(' ');
      const output = quote(`${directory}/together-${index}`);
      return `( ${line} >${output}.out 2>${output}.err </dev/null; echo $? >${output}.status ) &`;
    })
    .join('\n');
  spawnSync('/bin/sh', ['-c', `${script}\nwait`], { stdio: 'ignore', timeout: deadline, killSignal: 'SIGKILL' });
  return commands.map((args, index) => {
    const output = `${directory}/together-${index}`;
    const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
    return {
      status: Number(read(`${output}.status`) || '-1'),
      stdout: read(`${output}.out`),
      stderr: read(`${output}.err`),
      command: args.join(' '),
    };
  });
}
