// A daemon of the run's own: started, waited for, stopped by its pid.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scope } from './scope.ts';
import { waitFor } from './wait.ts';

export interface Daemon {
  readonly pid: number;
  /** SIGTERM, and SIGKILL if it has not ended after a minute, which is a failure. */
  stop(): Promise<void>;
}

/** Starts it, and waits until `ready` is true. Its output is appended to NAME.log in the run's directory; its end is quoted if it can't start. */
export async function startDaemon(
  name: string,
  argv: readonly string[],
  ready: () => Promise<boolean>,
): Promise<Daemon> {
  const logPath = join(scope.directory, `${name}.log`);
  const log = openSync(logPath, 'a');
  const [file = '', ...args] = argv;
  // Of its own session: an interrupt from the terminal is for the scenarios, which then stop the daemon.
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  // A daemon that a failed scenario did not stop must not keep the run from ending: what is left is swept up then.
  child.unref();
  const exit = once(child, 'exit');
  exit.catch(() => undefined);
  const gone = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const logEnd = () => readFileSync(logPath, 'utf8').split('\n').slice(-15).join('\n');
  try {
    await waitFor(`${name} to be ready`, () => {
      if (gone()) throw new Error(`${name} has ended`);
      return ready();
    });
  } catch (cause) {
    child.kill('SIGKILL');
    throw new Error(`${cause instanceof Error ? cause.message : cause}; its log ends:\n${logEnd()}`, { cause });
  }
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      if (gone()) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      await exit;
      clearTimeout(timer);
      if (child.signalCode === 'SIGKILL')
        throw new Error(`${name} did not end after SIGTERM; its log ends:\n${logEnd()}`);
    },
  };
}
