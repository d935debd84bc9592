// What a run may leave on the host: processes, mounts, cgroups, the runtime's state. All of it carries the run's token.
// The kernel's tables are shared with everybody, so a process is ours only by its command line, its cgroup or its root.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsOf, mountsOf } from '../../harness/leftovers.ts';
import { sleep } from '../../harness/wait.ts';

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // it went away meanwhile
  }
}

/** The lines of a mount table that are about its root: of several, the last is on top. Another's namespace may have copies of all our mounts, but not that. */
function rootLine(pid: string): string {
  const lines = attempt(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))?.split('\n') ?? [];
  return lines.findLast((line) => line.split(' ')[4] === '/') ?? '';
}

/** `process PID: command line`; neither this process nor zombies. */
export function processesOf(token: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
    const cgroups = attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? '';
    if (!command.includes(token) && !cgroups.includes(token) && !rootLine(pid).includes(token)) continue;
    const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
    if (status === undefined || /^State:\s+[ZX]/m.test(status)) continue;
    found.push(`process ${pid}: ${command.replaceAll('\0', ' ').trim()}`);
  }
  return found;
}

/** Where runtimes, and what is between them and the engines, keep state if nobody says otherwise. */
const STATE_DIRECTORIES = ['runc', 'crun', 'runt', 'youki', 'containerd', 'docker', 'libpod'].map((name) =>
  join('/run', name),
);

/** Entries of these directories that have the token in their name, or in their text. Directories that are empty are removed. */
export function stateOf(token: string): string[] {
  const found: string[] = [];
  const look = (directory: string, depth: number): void => {
    for (const entry of attempt(() => readdirSync(directory, { withFileTypes: true })) ?? []) {
      const path = join(directory, entry.name);
      if (entry.name.includes(token)) {
        // containerd's shim asks the runtime for this directory when it cleans up, whatever --root was: empty, it is no state.
        if (attempt(() => rmdirSync(path) ?? true) === undefined) found.push(path);
      } else if (entry.isDirectory() && depth > 0) look(path, depth - 1);
      else if (entry.isFile() && (attempt(() => statSync(path).size) ?? 0) < 1024 * 1024) {
        if (attempt(() => readFileSync(path, 'utf8'))?.includes(token) === true) found.push(path);
      }
    }
  };
  for (const directory of STATE_DIRECTORIES) look(directory, 3);
  return found.map((path) => `state ${path}`);
}

/** Ends and removes all that carries the token, whatever went wrong before. */
export function sweep(token: string): void {
  for (let left = 100; left > 0; left--) {
    const processes = processesOf(token);
    if (processes.length === 0) break;
    for (const line of processes) attempt(() => process.kill(Number(/^process (\d+)/.exec(line)?.[1]), 'SIGKILL'));
    sleep(20);
  }
  for (const line of mountsOf(token).reverse()) {
    const target = line.split(' ')[5];
    if (target?.includes(token) === true) spawnSync('umount', ['-l', target], { stdio: 'ignore' });
  }
  for (const line of cgroupsOf(token).reverse()) removeCgroup(line.replace(/^cgroup /, ''), 200);
  for (const line of stateOf(token)) {
    const path = line.replace(/^state /, '');
    // A file that names the run is a container's state: its directory goes. Anything else in a state directory is not ours to guess about.
    if (statSync(path).isDirectory()) rmSync(path, { recursive: true, force: true });
    else if (/\/(state\.json|status)$/.test(path)) rmSync(join(path, '..'), { recursive: true, force: true });
  }
}

/** With all below it; a cgroup can be removed when the kernel has reaped the last process in it. */
function removeCgroup(path: string, tries: number): void {
  for (const entry of attempt(() => readdirSync(path, { withFileTypes: true })) ?? []) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name), tries);
  }
  for (let left = tries; left > 0; left--) {
    if (attempt(() => rmdirSync(path) ?? true) !== undefined || attempt(() => statSync(path)) === undefined) return;
    sleep(5);
  }
}

/** Removes the cgroups that the engine made for its containers to be in: they are not the runtime's, which leaves them. */
export function removeEmptyCgroups(token: string): void {
  for (const line of cgroupsOf(token).reverse()) {
    const path = line.replace(/^cgroup /, '');
    attempt(() => rmdirSync(join(path, 'conmon')));
    attempt(() => rmdirSync(path));
  }
}

/** Cgroups below those. */
export function containerCgroups(token: string): string[] {
  return cgroupsOf(token).flatMap((line) => {
    const path = line.replace(/^cgroup /, '');
    const inner = attempt(() => readdirSync(path, { withFileTypes: true })) ?? [];
    return inner
      .filter((entry) => entry.isDirectory() && entry.name !== 'conmon')
      .map((entry) => `cgroup ${join(path, entry.name)}`);
  });
}
