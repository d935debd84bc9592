// For tests only: an image is carried out, here or under qemu-user.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Architecture } from '../../linux/syscall-numbers.ts';
import type { PlanBuilder } from '../builder.ts';
import { createPlanBuilder } from '../builder.ts';
import { encodeImage } from '../image.ts';
import type { Plan } from '../plan.ts';
import { SLOTS } from '../plan.ts';
import { ADDRESS } from './format.ts';

/** The first of these programs that is on PATH. */
export function findProgram(...names: string[]): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(':');
  return names
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** What runs an image of that architecture: nothing (it runs by itself), qemu-user, or a reason why none can be run. */
export function runnerOf(architecture: Architecture): { command: readonly string[] } | { missing: string } {
  if (process.arch === architecture) return { command: [] };
  const name = architecture === 'arm64' ? 'qemu-aarch64' : 'qemu-x86_64';
  const qemu = findProgram(`${name}-static`, name);
  return qemu === undefined ? { missing: `this is ${process.arch}, and there is no ${name}` } : { command: [qemu] };
}

/** Calls `body` with the path of an executable file with these bytes, and removes the file. */
export function withFile<T>(bytes: Uint8Array, body: (path: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'runt-image-'));
  try {
    const path = join(directory, 'image');
    writeFileSync(path, bytes, { mode: 0o700 });
    return body(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
}

/** Runs a plan to its end, as a process with no environment and no other file descriptors than 0 to 2. */
export function runPlan(plan: Plan, architecture: Architecture): Outcome {
  const runner = runnerOf(architecture);
  if ('missing' in runner) throw new RangeError(runner.missing);
  return withFile(encodeImage(plan, architecture), (path) => {
    const [program = path, ...args] = [...runner.command, path];
    const { status, signal, stdout } = spawnSync(program, args, { env: {}, timeout: 20_000, killSignal: 'SIGKILL' });
    return { status, signal, stdout };
  });
}

/** A plan of what `body` emits, which then (also after a failure) writes its slots and variable data to standard output. */
export function dumpingPlan(body: (plan: PlanBuilder) => void): Plan {
  const plan = createPlanBuilder();
  const dump = plan.label();
  const size = plan.value(0, 'size');
  plan.step({ sentence: 'the test' }, () => body(plan));
  plan.step({ sentence: 'the dump' }, () => {
    plan.place(dump);
    plan.call('write', [1, plan.value(ADDRESS.slots, '{slots}'), size]);
    plan.call('exit_group', [0]);
  });
  const finished = plan.finish(dump);
  Object.assign(size, { value: BigInt(SLOTS * 8 + finished.variable.length) });
  return finished;
}

/** What a dumping plan wrote. */
export function dumped({ stdout }: Outcome): { slots: BigUint64Array; variable: Buffer } {
  const copy = Uint8Array.from(stdout);
  return { slots: new BigUint64Array(copy.buffer, 0, SLOTS), variable: Buffer.from(copy.buffer, SLOTS * 8) };
}
