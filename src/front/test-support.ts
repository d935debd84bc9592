// What the tests of the front share: one with a stand-in for its engine, and a container's state directory.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeImage } from '../init/image.ts';
import { ENGINE } from './engine.ts';
import { frontPlan } from './front.ts';
import { EVERY_FLAG, encodeFrontRecord, FRONT_FILE, type FrontRecord } from './record.ts';

const IMAGE = encodeImage(frontPlan(), process.arch === 'arm64' ? 'arm64' : 'x64');
/** No process has it: it is beyond the kernel's limit. */
const NOBODY = 0x7fff_fff0;
export const IDENTITY = `${statSync(process.execPath).dev}:${statSync(process.execPath).ino}`;

export interface House {
  readonly root: string;
  /** The container's state directory. */
  readonly state: string;
  readonly directory: string;
  /** Runs the front; `engine`: what the stand-in for the engine was given, undefined where it was not called. */
  readonly run: (...args: string[]) => { status: number | null; stderr: string; engine: string[] | undefined };
  readonly writeRecord: (record: Partial<FrontRecord>) => void;
}

/** A front with an engine that only tells what it was given, and a state root with the container `c1` in it. */
export function withHouse(body: (house: House) => void | Promise<void>): void | Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'runt-front-'));
  const program = join(directory, 'runt');
  writeFileSync(program, IMAGE);
  writeFileSync(join(directory, ENGINE), '#!/bin/sh\nprintf "%s\\n" "$VARIABLE" "$@"\nexit 42\n');
  for (const path of [program, join(directory, ENGINE)]) chmodSync(path, 0o755);
  const root = join(directory, 'root');
  const state = join(root, 'c1');
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'state.json'), '{}');
  const run: House['run'] = (...args) => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      env: { VARIABLE: 'passed on', XDG_RUNTIME_DIR: directory },
      cwd: directory,
    });
    return { status, stderr, engine: status === 42 ? stdout.slice(0, -1).split('\n') : undefined };
  };
  const writeRecord: House['writeRecord'] = (record) => {
    const bytes = encodeFrontRecord({
      flags: EVERY_FLAG,
      pid: NOBODY,
      startTime: 1,
      image: IDENTITY,
      directories: [],
      ...record,
    });
    assert.ok(bytes !== undefined);
    writeFileSync(join(state, FRONT_FILE), bytes);
  };
  const end = () => rmSync(directory, { recursive: true });
  const result = body({ root, state, directory, run, writeRecord });
  if (result instanceof Promise) return result.finally(end);
  end();
}

/** As the record has it. */
export function startTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
