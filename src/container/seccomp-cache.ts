// Compiled seccomp filters, kept by content in ROOT/.seccomp: engines give nearly all containers the same profile. (No container can be called
// that: an id does not begin with ".".) The name of a file is the digest of all that a filter comes from: the profile, the machine, the
// compiler. What is read back confines containers, so it is believed only if it lies in a directory that nobody else can write
// to, and is whole. The cache is a convenience: where anything about it is not as it should be, the profile is compiled.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Log } from '../log.ts';
import type { InstallableFilter } from '../seccomp/compile.ts';
import { MOST_INSTRUCTIONS } from '../seccomp/program.ts';
import type { Seccomp } from '../spec/generated/types.ts';

export interface KeptFilter extends InstallableFilter {
  readonly notices: readonly string[];
}

/** Digest of the compiler's sources: the build puts it here. Without it nothing is kept, since nobody would know which compiler it is from. */
const COMPILER = process.env.RUNT_SECCOMP_COMPILER;
const DIRECTORY = '.seccomp';
/** A file has some kilobytes. */
const MOST_ENTRIES = 64;
const LONGEST_FILE = 256 * 1024;
const INSTRUCTION = 8;
const OTHERS = 0o077;
/** SHA-256 in hexadecimal digits. */
const DIGEST = 64;

export interface FilterCache {
  readonly directory: string;
  /** Its name in there. */
  readonly key: string;
  readonly digest: (text: string) => string;
}

/** undefined: a filter of this profile is not kept. */
export function filterCache(
  root: string,
  profile: Seccomp,
  machine: string,
  digest: FilterCache['digest'],
  compiler = COMPILER,
): FilterCache | undefined {
  if (compiler === undefined || !isExact(profile)) return undefined;
  const key = digest([compiler, machine, JSON.stringify(profile)].join('\n'));
  return { directory: `${root}/${DIRECTORY}`, key, digest };
}

/** JSON.parse has rounded no value, or two profiles could look the same. */
function isExact({ syscalls = [] }: Seccomp): boolean {
  for (const { args = [] } of syscalls) {
    for (const { value, valueTwo = 0 } of args) {
      if (!Number.isSafeInteger(value) || !Number.isSafeInteger(valueTwo)) return false;
    }
  }
  return true;
}

/** The filter, if it is there and can be believed. */
export function readFilter({ directory, key, digest }: FilterCache, log: Log): KeptFilter | undefined {
  try {
    if (!isOnlyOurs(directory)) {
      log.debug(`seccomp: ${directory} is not only this user's; what is in it is not used`);
      return undefined;
    }
    const text = readOwn(`${directory}/${key}`);
    if (text === undefined) return undefined;
    const body = text.slice(DIGEST + 1);
    // With the key: a file that was renamed is another profile's.
    if (text.slice(0, DIGEST) !== digest(key + body)) {
      log.debug(`seccomp: ${directory}/${key} is damaged, and not used`);
      return undefined;
    }
    return parse(body);
  } catch (error) {
    // Mostly: it is not there.
    log.debug(`seccomp: no compiled filter is taken from ${directory}: ${reason(error)}`);
    return undefined;
  }
}

/** Keeps the filter for others; where that can't be done it is not kept. */
export function keepFilter({ directory, key, digest }: FilterCache, filter: KeptFilter, log: Log): void {
  const path = `${directory}/${key}`;
  const temporary = `${directory}/.${process.pid}.${key.slice(0, 16)}`;
  try {
    makeDirectory(directory);
    if (!isOnlyOurs(directory)) return;
    makeRoom(directory);
    const body = JSON.stringify({
      flags: filter.flags,
      notifies: filter.notifies,
      notices: filter.notices,
      program: Buffer.from(filter.program).toString('base64'),
    });
    try {
      writeFileSync(temporary, `${digest(key + body)}\n${body}`, { mode: 0o600, flag: 'wx' });
      renameSync(temporary, path);
    } catch (error) {
      removeFile(temporary);
      throw error;
    }
  } catch (error) {
    log.debug(`seccomp: the compiled filter is not kept: ${reason(error)}`);
  }
}

function isOnlyOurs(directory: string): boolean {
  const status = lstatSync(directory);
  return status.isDirectory() && status.uid === process.geteuid?.() && (status.mode & OTHERS) === 0;
}

function readOwn(path: string): string | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || status.uid !== process.geteuid?.() || status.size > LONGEST_FILE) return undefined;
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function parse(body: string): KeptFilter | undefined {
  const { flags, notifies, notices, program: text } = JSON.parse(body);
  const program = Buffer.from(text, 'base64');
  const count = program.length / INSTRUCTION;
  if (!Number.isInteger(count) || count === 0 || count > MOST_INSTRUCTIONS) return undefined;
  return { flags, notifies, notices, program };
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!isNamed(error, 'EEXIST')) throw error;
  }
}

/** The oldest go. What a runtime that was killed has left half-written is among them in time. */
function makeRoom(directory: string): void {
  const names = readdirSync(directory);
  if (names.length < MOST_ENTRIES) return;
  const aged = names.map((name) => ({ path: `${directory}/${name}`, time: timeOf(`${directory}/${name}`) }));
  aged.sort((a, b) => a.time - b.time);
  for (const { path } of aged.slice(0, names.length - MOST_ENTRIES + 1)) removeFile(path);
}

/** Another create may have removed it just now. */
function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isNamed(error, 'ENOENT')) throw error;
  }
}

function isNamed(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
