// The state directory: ROOT/ID with `state.json` and the FIFOs `start` and `started`. What is written there suffices for every other command,
// also when the runtime that wrote it was killed in the middle.

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { CgroupRecord } from '../cgroup/record.ts';
import type { ScopeRecord } from '../cgroup/systemd/scope.ts';
import { fail } from '../error.ts';
import { ANSWER_FIFO, ORDER_FIFO, STATE_FILE, TAKEN } from '../front/names.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { isSameProcess, processStat } from '../linux/procfs.ts';
import type { ClassRecord } from '../resctrl/class.ts';
import type { Hook, LinuxResources } from '../spec/generated/types.ts';

export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startTime: number;
}

/** An operation of init's plan that can fail after `create` has ended: what `start` says then. */
export interface StartStep {
  readonly operation: number;
  readonly sentence: string;
  readonly syscall?: string;
  readonly pointer?: string;
  readonly hint?: string;
}

/** state.json. */
export interface ContainerRecord {
  readonly version: 1;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly ociVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** Name of the user who called create. */
  readonly owner: string;
  /** The process of `create`. */
  readonly creator: ProcessRecord;
  /** The container's first process; absent until it is known. */
  readonly init?: ProcessRecord & {
    /** Device and inode of init's image: while the process executes that file, the user's program has not been started. */
    readonly image: string;
  };
  /** Create has ended well. */
  readonly ready: boolean;
  readonly cgroups: CgroupRecord;
  /** linux.resources, as `update` has changed it since. */
  readonly resources?: LinuxResources;
  /** With --systemd-cgroup: the unit that holds the cgroups. */
  readonly scope?: ScopeRecord;
  /** Of linux.intelRdt: the class of resctrl that it is in. */
  readonly resourceClass?: ClassRecord;
  /** A service manager is to be told when the program is up (container/notify.ts): `start` does. */
  readonly notifies?: true;
  /** The config has a `process` to start. */
  readonly hasProcess: boolean;
  /** It has a session keyring of its own (no --no-new-keyring); so have the programs that exec adds. */
  readonly newKeyring: boolean;
  /** Its processes die with its init, since it has a pid namespace of its own. */
  readonly ownPidNamespace: boolean;
  readonly poststart: readonly Hook[];
  readonly poststop: readonly Hook[];
  readonly startSteps: readonly StartStep[];
  /** Where the config has startContainer hooks: init's descriptor of the memory file that takes what they print. */
  readonly hookOutput?: number;
}

const ID = /^[A-Za-z0-9_+-][A-Za-z0-9_+.-]*$/;
/** NAME_MAX of Linux file systems. */
const LONGEST_ID = 255;

/** Refuses what is no container id, before it becomes part of a path. Throws `id`. */
export function checkId(id: string): void {
  if (id === '') fail({ code: 'id', message: 'container id must not be empty' });
  if (id.length > LONGEST_ID) {
    fail({
      code: 'id',
      message: `invalid container id: it has ${id.length} characters, ${LONGEST_ID} at most are possible`,
    });
  }
  if (!ID.test(id)) {
    fail({
      code: 'id',
      message: `invalid container id ${JSON.stringify(id)}`,
      hint: 'letters, digits, "_", "+", "-" and "." are allowed, and it may not begin with "."',
    });
  }
}

export function directoryOf(root: string, id: string): string {
  return `${root}/${id}`;
}

/** The FIFOs between `start` and init: the order to it, and its answer. */
export function startFifos(root: string, id: string): { readonly order: string; readonly answer: string } {
  const directory = directoryOf(root, id);
  return { order: `${directory}/${ORDER_FIFO}`, answer: `${directory}/${ANSWER_FIFO}` };
}

/**
 * Takes the order's FIFO for the calling process, by renaming it to a name that tells who has it: of several starts at a time one
 * gets it. From a start that was killed before it had given the order it is taken over. undefined: another has it, and lives.
 */
export function takeOrder(root: string, id: string): string | undefined {
  const directory = directoryOf(root, id);
  const mine = `${directory}/${TAKEN}${process.pid}.${processStat(process.pid)?.startTime ?? 0}`;
  if (tryRename(`${directory}/${ORDER_FIFO}`, mine)) return mine;
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(TAKEN)) continue;
    // The front, which has become this process, had taken it.
    if (`${directory}/${name}` === mine) return mine;
    const [pid, startTime] = name.slice(TAKEN.length).split('.').map(Number);
    if (isSameProcess(pid ?? 0, startTime ?? 0)) return undefined;
    if (tryRename(`${directory}/${name}`, mine)) return mine;
  }
  return undefined;
}

function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return false;
    throw error;
  }
}

function stateFailure(doing: string, error: unknown): never {
  const errno = errnoOf(error);
  const syscall = typeof error === 'object' && error !== null && 'syscall' in error ? String(error.syscall) : undefined;
  fail(
    {
      code: 'state',
      message: doing,
      ...(errno === 0 ? {} : { errno }),
      ...(syscall === undefined ? {} : { syscall }),
      hint: 'the state directory is chosen with --root',
    },
    error,
  );
}

/** Takes the id: of several creates at the same time one gets it. Throws `exists`, `state`. */
export function reserve(root: string, id: string): void {
  checkId(id);
  const directory = directoryOf(root, id);
  try {
    mkdirSync(directory, 0o700);
    return;
  } catch (error) {
    if (errnoOf(error) === ERRNO.EEXIST)
      fail({ code: 'exists', message: `container with id "${id}" already exists` }, error);
    if (errnoOf(error) !== ERRNO.ENOENT) stateFailure(`make the state directory "${directory}"`, error);
  }
  try {
    mkdirSync(root, { recursive: true, mode: 0o711 });
    mkdirSync(directory, 0o700);
  } catch (error) {
    if (errnoOf(error) === ERRNO.EEXIST)
      fail({ code: 'exists', message: `container with id "${id}" already exists` }, error);
    stateFailure(`make the state directory "${directory}"`, error);
  }
}

/** Replaces the state: readers see the old or the new one, never a part. Throws `state`. */
export function writeRecord(root: string, record: ContainerRecord): void {
  const file = `${directoryOf(root, record.id)}/${STATE_FILE}`;
  try {
    writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    stateFailure(`write the state of container "${record.id}" to "${file}"`, error);
  }
}

/**
 * Reads the state. `unfinished`: the directory is there without a state: a create was killed before it wrote one, or is about to.
 * Throws `id`, `not-found`, `state`.
 */
export function readRecord(root: string, id: string): ContainerRecord | 'unfinished' {
  checkId(id);
  const file = `${directoryOf(root, id)}/${STATE_FILE}`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) !== ERRNO.ENOENT && errnoOf(error) !== ERRNO.ENOTDIR) {
      stateFailure(`read the state of container "${id}" from "${file}"`, error);
    }
    if (isReserved(root, id)) return 'unfinished';
    fail({ code: 'not-found', message: `container "${id}" does not exist` });
  }
  try {
    return JSON.parse(text) as ContainerRecord;
  } catch (error) {
    fail({ code: 'state', message: `the state of container "${id}" in "${file}" is damaged: it is not JSON` }, error);
  }
}

function isReserved(root: string, id: string): boolean {
  try {
    readdirSync(directoryOf(root, id));
    return true;
  } catch {
    return false;
  }
}

/** Gives the id back. Throws `state`. */
export function removeRecord(root: string, id: string): void {
  const directory = directoryOf(root, id);
  try {
    for (const name of readdirSync(directory)) unlinkSync(`${directory}/${name}`);
    rmdirSync(directory);
    return;
  } catch {
    // It is gone already, or somebody has put a directory there.
  }
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    stateFailure(`remove the state of container "${id}"`, error);
  }
}

/** All ids under the root, also those whose create is not finished. A root that does not exist has none. Throws `state`. */
export function listIds(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && ID.test(entry.name))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return [];
    stateFailure(`list the state directory "${root}"`, error);
  }
}
