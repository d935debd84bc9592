// What a container may leave behind on the host: processes, mounts, cgroups. Everything of a test carries a token in its name, and is found by it.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from './wait.ts';

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // a process that ended meanwhile
  }
}

/**
 * Processes (not this one, not zombies) that see a mount of the test, are in a cgroup of it, or name it on their command line. A container's init
 * shows the path of its rootfs in its mount table before and after it pivots.
 */
export function processesOf(token: string): string[] {
  const byNamespace = new Map<string, boolean>();
  const own = attempt(() => readlinkSync('/proc/self/ns/mnt'));
  if (own !== undefined) byNamespace.set(own, false);
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const namespace = attempt(() => readlinkSync(`/proc/${pid}/ns/mnt`));
    if (namespace === undefined || namespace === '') continue;
    if (!byNamespace.has(namespace)) {
      byNamespace.set(
        namespace,
        attempt(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))?.includes(token) ?? false,
      );
    }
    const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
    const cgroups = attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? '';
    if (byNamespace.get(namespace) === true || command.includes(token) || cgroups.includes(token)) {
      const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
      if (status !== undefined && !/^State:\s+[ZX]/m.test(status)) {
        found.push(`process ${pid}: ${command.replaceAll('\0', ' ').trim()}`);
      }
    }
  }
  return found;
}

/** Lines of this process's mount table that name the token. */
export function mountsOf(token: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(token))
    .map((line) => `mount ${line}`);
}

/** Directories below /sys/fs/cgroup whose name contains the token. */
export function cgroupsOf(token: string, directory = '/sys/fs/cgroup'): string[] {
  const found: string[] = [];
  for (const entry of attempt(() => readdirSync(directory, { withFileTypes: true })) ?? []) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    if (entry.name.includes(token)) found.push(`cgroup ${path}`);
    found.push(...cgroupsOf(token, path));
  }
  return found;
}

/** Everything above. */
export function leftoversOf(token: string): string[] {
  return [...processesOf(token), ...mountsOf(token), ...cgroupsOf(token)];
}

/** Ends and removes what a broken runtime left behind, so that one failed test does not spoil the host. Only what carries the token. */
export function sweep(token: string): void {
  const cgroups = cgroupsOf(token).map((line) => line.replace(/^cgroup /, ''));
  const [processes, below] = [processesOf(token), cgroups.flatMap(cgroupsBelow)];
  for (const line of processes) {
    attempt(() => process.kill(Number(/^process (\d+)/.exec(line)?.[1]), 'SIGKILL'));
  }
  for (const path of [...cgroups, ...below]) thaw(path);
  for (const line of mountsOf(token).reverse()) {
    const target = line.split(' ')[5];
    if (target?.includes(token)) spawnSync('umount', ['-l', target], { stdio: 'ignore' });
  }
  for (const path of [...below, ...cgroups.reverse()]) waitForEmpty(path);
}

/** The cgroups in a cgroup, the deepest first. */
function cgroupsBelow(path: string): string[] {
  const entries = attempt(() => readdirSync(path, { withFileTypes: true })) ?? [];
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
  return names.flatMap((name) => [...cgroupsBelow(name), name]);
}

/** v1: what is frozen does not die. */
function thaw(path: string): void {
  attempt(() => writeFileSync(`${path}/freezer.state`, 'THAWED', { flag: 'r+' }));
}

/** A cgroup can be removed when the kernel has reaped the last process in it. */
function waitForEmpty(path: string): void {
  for (let left = 200; left > 0 && attempt(() => rmdirSync(path) ?? true) === undefined; left--) sleep(5);
}
