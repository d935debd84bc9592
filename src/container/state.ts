// The state machine (runtime.md, "State" and "Lifecycle"). The status is never stored: it follows from the processes that there are.

import { freezerOf, freezerState } from '../cgroup/freezer.ts';
import { fail } from '../error.ts';
import { executedFile, isSameProcess, livingProcess } from '../linux/procfs.ts';
import { type ContainerRecord, directoryOf, readRecord } from './store.ts';

/** `paused` is an addition of runc's to the specification's: created or running, and frozen. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** Of the container's first process as the host sees it; 0 when there is none. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export interface Named {
  readonly root: string;
  readonly id: string;
}

export function statusOf(record: ContainerRecord): Status {
  const { init, creator, ready } = record;
  if (!ready && isSameProcess(creator.pid, creator.startTime)) return 'creating';
  const process = init === undefined ? undefined : livingProcess(init.pid, init.startTime);
  if (init === undefined || process === undefined) return 'stopped';
  const status = executedFile(init.pid) === init.image ? 'created' : 'running';
  return isPaused(record, status, process.state) ? 'paused' : status;
}

function isPaused({ cgroups }: ContainerRecord, status: 'created' | 'running', processState: string): boolean {
  const freezer = freezerOf(cgroups);
  if (freezer === undefined) return false;
  // Spares `start` a file: what v1 has frozen shows as D, while a created container's init waits in an interruptible read.
  if (freezer.version === 1 && status === 'created' && processState !== 'D') return false;
  return freezerState(freezer) === 'frozen';
}

export function stateOf(record: ContainerRecord, status: Status = statusOf(record)): ContainerState {
  return {
    ociVersion: record.ociVersion,
    id: record.id,
    pid: status === 'stopped' ? 0 : (record.init?.pid ?? 0),
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(Object.keys(record.annotations).length === 0 ? {} : { annotations: record.annotations }),
    owner: record.owner,
  };
}

/** As `state` prints it. */
export function stateText(state: ContainerState): string {
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** The state as hooks get it on their standard input (config.md, "POSIX-platform Hooks"): compact, with a given status. */
export function hookState(record: ContainerRecord, status: Status, pid: number): string {
  const { ociVersion, id, bundle, annotations } = record;
  return JSON.stringify({
    ociVersion,
    id,
    status,
    ...(pid === 0 ? {} : { pid }),
    bundle,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
}

/** The record of a container that a create at least began to write down. Throws `not-found`, `state`. */
export function requireRecord({ root, id }: Named): ContainerRecord {
  const record = readRecord(root, id);
  if (record !== 'unfinished') return record;
  fail({
    code: 'state',
    // Engines look for these words.
    message: `container "${id}" does not exist: there is a directory for its state alone, since its create has just begun, or it or a delete was killed`,
    hint: `"runt delete --force ${id}" removes what is left (${directoryOf(root, id)})`,
  });
}

/** Throws `id`, `not-found`, `state`. */
export function containerState(named: Named): ContainerState {
  return stateOf(requireRecord(named));
}
