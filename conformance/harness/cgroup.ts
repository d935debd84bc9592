// A container's cgroups as the host sees them: one helper for v1 and v2, which says what to read where.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** CGROUP2_SUPER_MAGIC of <linux/magic.h>. */
const CGROUP2 = 0x63677270;

/** 2 where the host has v2 alone. */
export const cgroupVersion: 1 | 2 = existsSync(ROOT) && statfsSync(ROOT).type === CGROUP2 ? 2 : 1;

/** For `skip`: a reason where the host does not have one of the controllers (by their v1 names). */
export function needsControllers(...controllers: readonly string[]): string | false {
  const missing = controllers.filter((name) => !hasController(name));
  return missing.length === 0 ? false : `needs the control group controller ${missing.join(', ')}`;
}

function hasController(name: string): boolean {
  // Not the directory alone: it may be there without a hierarchy mounted on it.
  if (cgroupVersion === 1) return existsSync(join(ROOT, name, 'tasks'));
  const names = readFileSync(join(ROOT, 'cgroup.controllers'), 'utf8').trim().split(' ');
  return names.includes(V2_NAMES[name] ?? name);
}

const V2_NAMES: Readonly<Record<string, string>> = { blkio: 'io', cpuacct: 'cpu' };

export const needsV1: string | false = cgroupVersion === 1 ? false : 'is about cgroup v1; this host has v2';
export const needsV2: string | false = cgroupVersion === 2 ? false : 'is about cgroup v2; this host has v1';

/** The directory of the process's cgroup in the hierarchy with the controller (by its v1 name). */
export function cgroupDirectory(pid: number, controller: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  for (const line of lines) {
    const [, number = '', names = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (cgroupVersion === 2 && number === '0') return join(ROOT, path);
    if (cgroupVersion === 1 && names.split(',').includes(controller)) return join(ROOT, controller, path);
  }
  return assert.fail(`process ${pid} has no ${controller} cgroup: ${lines.join(' ')}`);
}

/** A file of the process's cgroup, trimmed. */
export function readCgroup(pid: number, controller: string, file: string): string {
  return readFileSync(join(cgroupDirectory(pid, controller), file), 'utf8').trim();
}

/** The number after a word in a file like cpu.stat. */
export function cgroupCount(pid: number, controller: string, file: string, word: string): number {
  const found = new RegExp(`^${word} (\\d+)$`, 'm').exec(readCgroup(pid, controller, file));
  return Number(found?.[1] ?? Number.NaN);
}
