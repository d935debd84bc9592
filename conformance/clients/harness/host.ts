// What this host can do: scenarios that need more are skipped, and say so.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { findBusybox } from '../../harness/rootfs.ts';
import { scope } from './scope.ts';

const CGROUP2_SUPER_MAGIC = 0x63677270;

/** v1 where the unified hierarchy is absent or has no controllers. */
export const cgroupVersion: 1 | 2 = statfsSync('/sys/fs/cgroup').type === CGROUP2_SUPER_MAGIC ? 2 : 1;

/** The controllers that containers can use. */
export function hasController(name: string): boolean {
  if (cgroupVersion === 1) return existsSync(join('/sys/fs/cgroup', name, 'cgroup.procs'));
  return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ').includes(name);
}

/** The reason to skip what needs this controller. */
export function withoutController(name: string): string | undefined {
  return hasController(name) ? undefined : `this host has no ${name} controller`;
}

/** Where the program is, in PATH and the sbin directories. */
export function findProgram(name: string): string | undefined {
  const directories = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', ...(process.env['PATH'] ?? '').split(':')];
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why the host can't run an engine that consists of these programs. */
export function unfit(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: it starts container engines';
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (findBusybox() === undefined) return 'needs a static busybox on the host (or its path in BUSYBOX)';
  return undefined;
}

/** Whether overlayfs can have its upper layer in the run's directory (not where that is itself an overlay). */
export function overlayWorks(): boolean {
  const base = join(scope.directory, 'overlay');
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(base, name), { recursive: true });
  const layers = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(base, name)}`).join(',');
  const mounted = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, join(base, 'merged')], {
    stdio: 'ignore',
  });
  if (mounted.status !== 0) return false;
  spawnSync('umount', [join(base, 'merged')], { stdio: 'ignore' });
  return true;
}

/** Why an engine can't make privileged containers here: Docker asks for every capability that the kernel knows, Podman for those that it has itself. */
export function withoutPrivileged(engine: { readonly kind: string }): string | undefined {
  if (engine.kind !== 'docker') return undefined;
  const own = BigInt(`0x${/^CapBnd:\t(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
  const all = (1n << (BigInt(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8').trim()) + 1n)) - 1n;
  return own === all ? undefined : 'root lacks capabilities on this host, and Docker asks for all of them';
}
