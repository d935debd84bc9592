// Programs that a scenario runs: to their end, or as a session that is talked to.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scope } from './scope.ts';
import { waitFor } from './wait.ts';

export interface Result {
  /** The exit status; 128 + number after a signal; -1 where it could not be started or was killed at the deadline. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The command, for messages. */
  readonly command: string;
}

export interface CommandOptions {
  /** Written to the standard input, which then ends. Without it, the standard input is /dev/null. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds, 90 000 by default. */
  readonly deadline?: number;
}

export interface Session {
  write(text: string): void;
  /** The end of the standard input. */
  end(): void;
  stdout(): string;
  waitForOutput(pattern: RegExp, stream?: 'out' | 'err'): Promise<string>;
  /** The result, when the program has ended. */
  finished(): Promise<Result>;
}

const abbreviations: (readonly [string, string])[] = [];

/** Messages call these first words of a command, which are the same in all of a client, by a short name. */
export function abbreviate(words: readonly string[], name: string): void {
  abbreviations.push([words.join(' '), name]);
}

function readable(argv: readonly string[]): string {
  return abbreviations.reduce((text, [words, name]) => text.replace(words, name), argv.join(' '));
}

const DEADLINE = 90_000;
let counter = 0;

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

/**
 * The output goes to files, not pipes: what a client leaves running (a monitor of a container) may inherit it, and would keep us waiting. The program
 * has a session of its own, all of which is killed at the deadline.
 */
function launch(
  argv: readonly string[],
  interactive: boolean,
  options: CommandOptions,
  name = readable(argv),
): Session {
  counter += 1;
  const prefix = join(scope.output, String(counter));
  const out = openSync(`${prefix}.out`, 'w');
  const err = openSync(`${prefix}.err`, 'w');
  const [file = '', ...args] = argv;
  const child: ChildProcess = spawn(file, args, {
    // A monitor writes files where it was started (conmon: `oom`).
    cwd: scope.directory,
    stdio: [interactive ? 'pipe' : 'ignore', out, err],
    detached: true,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  closeSync(out);
  closeSync(err);
  const deadline = options.deadline ?? DEADLINE;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, deadline);
  // A program may end before it has read its input: EPIPE is no error of the scenario.
  child.stdin?.on('error', () => undefined);
  const ended: Promise<{ status: number; problem: string }> = once(child, 'exit').then(
    (values) => {
      const [code, signal] = values as [number | null, string | null];
      if (late) return { status: -1, problem: `killed: it had not ended after ${deadline / 1000} s` };
      return { status: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), problem: '' };
    },
    (cause: unknown) => ({ status: -1, problem: String(cause) }),
  );
  void ended.then(() => clearTimeout(timer));
  const written = (stream: 'out' | 'err') => readFileSync(`${prefix}.${stream}`, 'utf8');
  const stdout = () => written('out');
  return {
    write: (text) => void child.stdin?.write(text),
    end: () => void child.stdin?.end(),
    stdout,
    waitForOutput: (pattern, stream = 'out') =>
      waitFor(`output ${pattern} of ${name}`, () => {
        const text = written(stream);
        if (pattern.test(text)) return text;
        if (child.exitCode === null && child.signalCode === null) return undefined;
        throw new Error(`${name} ended without output ${pattern}: ${written('err')}${stdout()}`);
      }),
    finished: async () => {
      const { status, problem } = await ended;
      return {
        status,
        stdout: stdout(),
        stderr: written('err') + problem,
        command: name,
      };
    },
  };
}

export function run(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const session = launch(argv, options.input !== undefined, options);
  if (options.input !== undefined) {
    session.write(options.input);
    session.end();
  }
  return session.finished();
}

export function talkTo(argv: readonly string[], options: CommandOptions = {}): Session {
  return launch(argv, true, options);
}

/** The size of the terminals that `underTerminal` makes. */
export const TERMINAL = { rows: 33, columns: 77 };

/** The same program under a terminal of its own (script(1) of util-linux makes it); its output has the terminal's line ends. */
export function underTerminal(argv: readonly string[], options: CommandOptions = {}): Session {
  const set = `stty -echo rows ${TERMINAL.rows} cols ${TERMINAL.columns}`;
  const quoted = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const command = `${set}; exec ${quoted}`;
  return launch(
    ['script', '--quiet', '--return', '--flush', '--command', command, '/dev/null'],
    true,
    options,
    readable(argv),
  );
}

/** The command has to succeed. */
export function ok(result: Result): Result {
  return ended(result, 0);
}

/** The command has to end with this status. */
export function ended(result: Result, status: number): Result {
  if (result.status === status) return result;
  const said = `${result.stderr}${result.stdout}`.trim().slice(-3000);
  throw new Error(`exit status ${result.status} instead of ${status} of: ${result.command}\n${said}`);
}
