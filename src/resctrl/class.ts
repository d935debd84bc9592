// The class of resctrl that a container belongs to (specification, config-linux.md, "IntelRdt"): a directory below the mount point, by whose file
// `tasks` it is entered. What of it was made for the container goes with the container.

import { closeSync, constants, existsSync, openSync, rmdirSync } from 'node:fs';
import { fail } from '../error.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import type { IntelRdt } from '../spec/generated/types.ts';
import { AT, makeDirectory, refused, text, writeSchemata } from './files.ts';
import { missingFrom, type SchemataWrite, schemataLine, schemataWrites } from './schemata.ts';

/** What the kernel has itself in a class's directory, or in the root. */
const RESERVED = ['info', 'mon_groups', 'mon_data'];

/** For state.json. */
export interface ClassRecord {
  /** The mount point. */
  readonly root: string;
  /** The class's directory. */
  readonly path: string;
  /** Present where the class was made for the container: `always`: it goes with it; `if empty`: it stays once the container is created. */
  readonly removed?: 'always' | 'if empty';
  /** The directory of its monitoring group. */
  readonly monitoring?: string;
  /** The monitoring group was there before the container, and stays. */
  readonly monitoringStays?: true;
}

export interface PlannedClass {
  readonly record: ClassRecord;
  /** The directory is to be made. */
  readonly isNew: boolean;
  readonly writes: readonly SchemataWrite[];
}

/**
 * `root`: where resctrl is mounted. Looks, and changes nothing. Throws `host` for what this host can't do, `config` for a class that is missing or
 * is another than the config says.
 */
export function planClass(rdt: IntelRdt, id: string, root: string): PlannedClass {
  const described = describeClass(rdt, id, root);
  const { path, monitoring } = described.record;
  const planned =
    monitoring !== undefined && existsSync(monitoring)
      ? { ...described, record: { ...described.record, monitoringStays: true as const } }
      : described;
  requireParts(rdt, root);
  const exists = existsSync(path);
  const closID = rdt.closID ?? '';
  if (closID === '') return exists ? { ...planned, isNew: false, record: kept(planned.record) } : planned;
  if (!exists && planned.writes.length === 0)
    fail({
      code: 'config',
      message: `the class "${closID}" is not there: clos dir not accessible (must be pre-created when schemata, l3CacheSchema and memBwSchema are empty)`,
      pointer: `${AT}/closID`,
      hint: `make ${path}, or say what the class has`,
    });
  if (exists) requireSame(rdt, planned.record);
  return exists ? { ...planned, isNew: false, record: kept(planned.record) } : planned;
}

/** As if the class were not there yet. Throws `config` for an id that can't be its name. */
export function describeClass(rdt: IntelRdt, id: string, root: string): PlannedClass {
  const closID = rdt.closID ?? '';
  if (closID === '' && RESERVED.includes(id))
    fail({
      code: 'config',
      message: `a class can't have the name "${id}" of the container`,
      pointer: AT,
      hint: 'name one with closID',
    });
  const path = closID === '/' ? root : `${root}/${closID === '' ? id : closID}`;
  return {
    isNew: closID !== '/',
    writes: schemataWrites(rdt),
    record: {
      root,
      path,
      ...(closID === '/' ? {} : { removed: closID === '' ? 'always' : 'if empty' }),
      ...(rdt.enableMonitoring === true ? { monitoring: `${path}/mon_groups/${id}` } : {}),
    },
  };
}

function kept({ removed: _, ...record }: ClassRecord): ClassRecord {
  return record;
}

/** When the container has been created: others may use a class that has a name of its own, so it stays (specification). */
export function settled(record: ClassRecord): ClassRecord {
  return record.removed === 'if empty' ? kept(record) : record;
}

function requireParts({ l3CacheSchema = '', memBwSchema = '', enableMonitoring }: IntelRdt, root: string): void {
  const require = (field: string, what: string, ...names: readonly string[]): void => {
    if (names.some((name) => existsSync(`${root}/info/${name}`))) return;
    fail({
      code: 'host',
      message: `intelRdt.${field} is specified in config, but Intel RDT/${what} is not enabled: there is no ${root}/info/${names[0]}`,
      pointer: `${AT}/${field}`,
    });
  };
  if (l3CacheSchema !== '') require('l3CacheSchema', 'CAT', 'L3', 'L3CODE');
  if (memBwSchema !== '') require('memBwSchema', 'MBA', 'MB');
  if (enableMonitoring === true) require('enableMonitoring', 'monitoring', 'L3_MON');
}

/** A class that others have made may be used as it is only. */
function requireSame({ l3CacheSchema = '', memBwSchema = '' }: IntelRdt, { root, path }: ClassRecord): void {
  if (l3CacheSchema === '' && memBwSchema === '') return;
  const actual = text(`${path}/schemata`) ?? '';
  const granularity = Number(text(`${root}/info/MB/bandwidth_gran`) ?? 1);
  for (const [field, wanted] of Object.entries({ l3CacheSchema, memBwSchema })) {
    const missing = missingFrom(actual, wanted, granularity);
    if (missing === undefined) continue;
    fail({
      code: 'config',
      message: `the class "${path}" is there already, and is another: the config wants ${missing}`,
      pointer: `${AT}/${field}`,
      hint: 'leave the schemas out to use the class as it is',
    });
  }
}

/**
 * Makes what is missing, and gives it what the config says. `recorded` is called when it is known what was made. Returns the files by which the
 * class, and then its monitoring group, is entered, open for writing; they are the caller's. Throws `system`, with what resctrl says of it.
 */
export function makeClass(
  { record, isNew, writes }: PlannedClass,
  recorded: (record: ClassRecord) => void,
): readonly { readonly path: string; readonly fd: number }[] {
  const { root, path, monitoring } = record;
  let made = record;
  if (isNew && !makeDirectory(root, path, `make the class "${path}"`, AT)) {
    made = kept(made);
    recorded(made);
  }
  for (const { value, pointer } of writes) writeSchemata(root, path, value, pointer);
  if (monitoring !== undefined) {
    const doing = `make the monitoring group "${monitoring}"`;
    const isOwn = makeDirectory(root, monitoring, doing, `${AT}/enableMonitoring`);
    if (!isOwn && made.monitoringStays !== true) recorded({ ...made, monitoringStays: true });
  }
  return openClass(record);
}

/** Throws `system`. Where the class is gone, its processes are in the default one: then there is nothing to enter. */
export function openClass(
  record: ClassRecord,
  mayBeGone = false,
): readonly { readonly path: string; readonly fd: number }[] {
  const opened: { path: string; fd: number }[] = [];
  try {
    for (const directory of [record.path, ...(record.monitoring === undefined ? [] : [record.monitoring])]) {
      const fd = openTasks(record.root, directory, mayBeGone);
      if (fd !== undefined) opened.push({ path: directory, fd });
    }
    return opened;
  } catch (error) {
    for (const { fd } of opened) closeSync(fd);
    throw error;
  }
}

function openTasks(root: string, directory: string, mayBeGone: boolean): number | undefined {
  try {
    return openSync(`${directory}/tasks`, constants.O_WRONLY);
  } catch (error) {
    if (mayBeGone && errnoOf(error) === ERRNO.ENOENT) return undefined;
    return refused(root, `open "${directory}/tasks"`, AT, error);
  }
}

/**
 * Gives the class of a container that is there other schemas, as `update` asks for them. Returns what undoes it. Throws `host`, `system`.
 */
export function changeClass(
  { root, path }: ClassRecord,
  change: Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>,
): () => void {
  requireParts(change, root);
  const before = text(`${path}/schemata`) ?? '';
  const done: string[] = [];
  const undo = (): void => {
    for (const value of done.splice(0)) {
      const line = schemataLine(before, value.slice(0, value.indexOf(':')));
      if (line !== undefined) writeSchemata(root, path, `${line}\n`);
    }
  };
  try {
    for (const { value } of schemataWrites(change)) {
      writeSchemata(root, path, value);
      done.push(value);
    }
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/**
 * What was made for the container goes; its processes, if there are any, fall back to the class above. Throws `system` for the first directory that
 * the kernel keeps, when it has tried all.
 */
export function removeClass({ root, path, removed, monitoring, monitoringStays }: ClassRecord): void {
  const failures: (() => never)[] = [];
  for (const directory of [
    monitoringStays === true ? undefined : monitoring,
    removed === undefined ? undefined : path,
  ]) {
    if (directory === undefined) continue;
    if (directory === path && removed === 'if empty' && (text(`${path}/tasks`) ?? '') !== '') continue;
    try {
      rmdirSync(directory);
    } catch (error) {
      if (errnoOf(error) !== ERRNO.ENOENT) failures.push(() => refused(root, `remove "${directory}"`, AT, error));
    }
  }
  failures[0]?.();
}
