// Freezing and thawing a container (kernel: cgroup-v1/freezer-subsystem.rst; cgroup-v2.rst, cgroup.freeze).

import { fail } from '../error.ts';
import { waitForControl } from './control-event.ts';
import { readControl, writeControl } from './control-file.ts';
import { freezerOf, isFrozenEvent } from './freezer.ts';
import { sleep, subCgroups, tryWrite } from './processes.ts';
import { type CgroupEntry, type CgroupRecord, isStillThere } from './record.ts';

/** How long a cgroup may take to freeze, in milliseconds: as long as runc waits for one of v2. */
const PATIENCE = 10_000;
/** Attempts at a v1 cgroup, at least, and how often it is let go in between: as runc. */
const ATTEMPTS = 1000;
const BREATHE = 50;
/** Attempts without a pause: most cgroups are frozen by then. */
const AT_ONCE = 20;

/** Stops every process of the container, and returns when all stand still. Where that fails it goes on running. Throws `cgroup`, `host`. */
export function freeze(record: CgroupRecord): void {
  const entry = requireFreezer(record);
  let frozen = false;
  try {
    frozen = entry.version === 1 ? freezeV1(entry) : freezeV2(entry);
  } finally {
    // Half frozen would be worse than either.
    if (!frozen) setThawed(entry);
  }
  if (!frozen)
    fail({
      code: 'cgroup',
      message: `unable to freeze the cgroup ${entry.path}`,
      hint: 'a process in an uninterruptible system call (state D in /proc/PID/stat) can not be frozen',
    });
}

/** Lets the processes go on. Throws `cgroup`, `host`. */
export function thaw(record: CgroupRecord): void {
  setThawed(requireFreezer(record));
}

/**
 * Thaws the container's cgroup and those that it made below, where they are v1's: a process frozen by v1 does not die of SIGKILL
 * before it is thawed; one frozen by v2 does. For who has sent SIGKILL.
 */
export function thawToDie(record: CgroupRecord): void {
  const entry = freezerOf(record);
  if (entry?.version === 1 && isStillThere(entry)) thawTree(entry.path);
}

function thawTree(path: string): void {
  if (!tryWrite(`${path}/freezer.state`, 'THAWED')) return;
  for (const name of subCgroups(path)) thawTree(`${path}/${name}`);
}

/** Asks for it once, and does not wait: so that fewer processes are born while others are killed. */
export function freezeForKill(record: CgroupRecord): void {
  const entry = freezerOf(record);
  if (entry === undefined) return;
  if (entry.version === 1) tryWrite(`${entry.path}/freezer.state`, 'FROZEN');
  else tryWrite(`${entry.path}/cgroup.freeze`, '1');
}

export function thawAfterKill(record: CgroupRecord): void {
  const entry = freezerOf(record);
  if (entry?.version === 2) tryWrite(`${entry.path}/cgroup.freeze`, '0');
  else thawToDie(record);
}

function requireFreezer(record: CgroupRecord): CgroupEntry {
  const entry = freezerOf(record);
  if (entry === undefined)
    fail({
      code: 'host',
      message: 'freezer not supported: the container is in no cgroup that has one',
      hint: 'mount the v1 hierarchy freezer, or cgroup v2, before containers are created',
    });
  if (!isStillThere(entry))
    fail({ code: 'cgroup', message: `the container's cgroup ${entry.path} is gone`, hint: 'who removed it?' });
  return entry;
}

function setThawed({ version, path }: CgroupEntry): void {
  if (version === 1) writeControl(`${path}/freezer.state`, 'THAWED');
  else writeControl(`${path}/cgroup.freeze`, '0');
}

/**
 * v1 tells nobody when it is done, and while processes fork it may never be: FREEZING is answered by asking again. Letting the cgroup go
 * now and then lets a process finish what keeps it from standing still. False: it did not work.
 */
function freezeV1({ path }: CgroupEntry): boolean {
  const file = `${path}/freezer.state`;
  const deadline = Date.now() + PATIENCE;
  for (let attempt = 1; attempt <= ATTEMPTS || Date.now() < deadline; attempt++) {
    if (attempt % BREATHE === 0) {
      writeControl(file, 'THAWED');
      sleep(10);
    }
    writeControl(file, 'FROZEN');
    if (readControl(file).startsWith('FROZEN')) return true;
    // On a busy machine the processes have to get a processor before they can stand still.
    if (attempt > AT_ONCE) sleep(1);
  }
  return false;
}

function freezeV2({ path }: CgroupEntry): boolean {
  writeControl(`${path}/cgroup.freeze`, '1');
  return waitForControl(`${path}/cgroup.events`, isFrozenEvent, PATIENCE);
}
