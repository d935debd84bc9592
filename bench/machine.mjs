// What machine it was: figures of two machines can't be compared, so each set of figures says where it is from.

import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import { median } from './statistics.mjs';

/** CGROUP2_SUPER_MAGIC of <linux/magic.h>. */
const CGROUP2 = 0x63677270;

function isUnified(path) {
  try {
    return statfsSync(path).type === CGROUP2;
  } catch {
    return false;
  }
}

/** v2; v1; or hybrid: v1 with an additional v2 hierarchy on /sys/fs/cgroup/unified. */
function cgroupVersion() {
  if (isUnified('/sys/fs/cgroup')) return 'v2';
  return isUnified('/sys/fs/cgroup/unified') ? 'hybrid' : 'v1';
}

function distribution() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The price of starting any program from here, in milliseconds: it is part of every time in the table, for all runtimes alike. */
function launchTime(program) {
  const times = [];
  for (let i = 0; i < 20; i++) {
    const before = process.hrtime.bigint();
    spawnSync(program, [], { stdio: 'ignore' });
    times.push(Number(process.hrtime.bigint() - before) / 1e6);
  }
  return median(times);
}

export function describeMachine(staticProgram) {
  const cpus = os.cpus();
  return {
    kernel: os.release(),
    architecture: os.machine(),
    distribution: distribution(),
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memoryMiB: Math.round(os.totalmem() / 1024 / 1024),
    cgroup: cgroupVersion(),
    virtualMachine: /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')),
    node: process.version,
    loadAverage: os.loadavg().map((value) => Number(value.toFixed(2))),
    launchMs: Number(launchTime(staticProgram).toFixed(3)),
  };
}
