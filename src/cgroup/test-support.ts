// What the tests of this directory share: a place of their own in every hierarchy, and processes that enter it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { RuntError } from '../error.ts';
import { type CgroupHost, detectCgroups } from './host.ts';
import { killAll } from './kill.ts';
import { type CgroupRecord, confirm } from './record.ts';

/** For the option `skip` of a test: false, or the reason. */
export const needsRoot: string | false =
  process.getuid?.() === 0 ? false : 'needs root: control groups can be made by root only';

/** The hierarchies of one version, or the reason to skip. */
export function hostWith(version: 1 | 2): { readonly host: CgroupHost | null; readonly skip: string | false } {
  if (needsRoot !== false) return { host: null, skip: needsRoot };
  const hierarchies = detectCgroups().hierarchies.filter((hierarchy) => hierarchy.version === version);
  if (hierarchies.length === 0) return { host: null, skip: `needs cgroup v${version}, which is not mounted` };
  return { host: { mode: version === 1 ? 'v1' : 'v2', hierarchies }, skip: false };
}

/** A path below the root of every hierarchy; it, and all that is in it, is removed after the test. */
export function scratch(context: TestContext, host: CgroupHost): string {
  const path = `/runt-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
  context.after(() => {
    for (const { mountPoint, version, controllers } of host.hierarchies) {
      const entry = { version, controllers, path: mountPoint + path, existing: mountPoint };
      if (existsSync(entry.path)) killAll({ cgroups: [confirm(entry)] });
      removeAll(entry.path);
    }
  });
  return path;
}

function removeAll(path: string): void {
  const entries = listDirectories(path);
  if (entries === null) return;
  for (const name of entries) removeAll(`${path}/${name}`);
  rmdirSync(path);
}

function listDirectories(path: string): readonly string[] | null {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return null;
  }
}

/** The file of each cgroup to which a process writes 0 to enter: as the launcher does in v1. */
export function entrances(record: CgroupRecord): readonly string[] {
  return record.cgroups.map(({ version, path }) => `${path}/${version === 1 ? 'tasks' : 'cgroup.procs'}`);
}

const ENTER = 'for file; do echo 0 > "$file" || exit 99; done; ';

/** Runs a shell script to its end inside the cgroups. */
export function runInside(
  record: CgroupRecord,
  script: string,
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', ENTER + script, 'sh', ...entrances(record)], {
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

/** Starts a shell script inside the cgroups that prints a line when it is where it shall be; resolves then. */
export async function startInside(
  record: CgroupRecord,
  script: string,
  input: 'ignore' | 'pipe' = 'ignore',
): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', ENTER + script, 'sh', ...entrances(record)], {
    stdio: [input, 'pipe', 'inherit'],
  });
  assert.ok(child.stdout);
  await once(child.stdout, 'data');
  return child;
}

/** For assert.throws: the error's code, and parts of its message and of its pointer. */
export function runtError(code: string, message: RegExp, pointer?: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof RuntError &&
    error.problem.code === code &&
    message.test(error.problem.message) &&
    error.problem.pointer === pointer;
}
