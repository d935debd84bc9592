// The maps of a new user namespace (user_namespaces(7)), written by the runtime: it is in the parent namespace, and has the privilege there
// if anybody has. A user without it maps the own ids alone; for others newuidmap(1) and newgidmap(1) do it.

import { existsSync, readFileSync } from 'node:fs';
import { fail } from '../error.ts';
import { memoryFile } from '../linux/memfd.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY, O_WRONLY } from '../linux/mount-constants.ts';
import { spawn, waitForChild } from '../linux/spawn.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { IdMapping } from '../spec/generated/types.ts';

export type IdKind = 'uid' | 'gid';
/** Not looked for in PATH: they have privileges, and are given a process of ours. */
const TOOLS: Readonly<Record<IdKind, string>> = { uid: '/usr/bin/newuidmap', gid: '/usr/bin/newgidmap' };

export interface Caller {
  readonly uid: number;
  readonly gid: number;
}

/** Whether the kernel would not let the caller write this map (user_namespaces(7), "Defining user and group ID mappings"). */
export function needsTool(kind: IdKind, mappings: readonly IdMapping[], caller: Caller): boolean {
  if (caller.uid === 0) return false;
  const [only, ...others] = mappings;
  return others.length > 0 || only?.size !== 1 || only.hostID !== caller[kind];
}

/** As the kernel takes them, and shows them to who reads the map from the parent namespace. */
export function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** What the kernel shows of a map: a line a range. */
export function parseMap(text: string): IdMapping[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID, hostID, size };
    });
}

/** Whatever the order: the kernel has one of its own where there are many ranges. */
export function isSameMap(one: readonly IdMapping[], other: readonly IdMapping[]): boolean {
  const lines = (map: readonly IdMapping[]): string => mapText(map).trim().split('\n').sort().join('\n');
  return lines(one) === lines(other);
}

export interface Mappings {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

type MapPointers = Readonly<Record<IdKind, string>>;
const OF_CONTAINER: MapPointers = { uid: '/linux/uidMappings', gid: '/linux/gidMappings' };

/**
 * Maps the ids of the process's user namespace. The process is a child that nobody has waited for: its number can't have gone to another.
 * /proc/PID is opened once, all files below it. Throws `system`, `host`, with the pointer of the mappings.
 */
export function mapIds(pid: number, { uidMappings, gidMappings }: Mappings, pointers = OF_CONTAINER): void {
  const caller = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const doing = { message: `open the directory of the process, /proc/${pid}` };
  const directory = mustSyscall(doing, 'openat', AT_FDCWD, `/proc/${pid}`, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  try {
    writeMap({ directory, pid, kind: 'uid', mappings: uidMappings, caller, pointer: pointers.uid });
    // Who could leave a group might get what its members are denied (CVE-2014-8989): the kernel wants that given up first.
    if (caller.uid !== 0 && !needsTool('gid', gidMappings, caller)) {
      write(directory, 'setgroups', 'deny', 'deny setgroups(2) in the user namespace', pointers.gid);
    }
    writeMap({ directory, pid, kind: 'gid', mappings: gidMappings, caller, pointer: pointers.gid });
  } finally {
    syscall('close', directory);
  }
}

interface MapToWrite {
  /** /proc/PID. */
  readonly directory: number;
  readonly pid: number;
  readonly kind: IdKind;
  readonly mappings: readonly IdMapping[];
  readonly caller: Caller;
  readonly pointer: string;
}

function writeMap({ directory, pid, kind, mappings, caller, pointer }: MapToWrite): void {
  if (needsTool(kind, mappings, caller)) runTool(kind, pid, mappings, pointer);
  else write(directory, `${kind}_map`, mapText(mappings), `map the ${kind}s of the user namespace`, pointer);
  const found = read(directory, `${kind}_map`, pointer);
  if (!isSameMap(parseMap(found), mappings)) {
    fail({
      code: 'system',
      message: `the ${kind}s of the user namespace are mapped in another way than was asked for: ${found.trim().replace(/\s+/g, ' ')}`,
      pointer,
    });
  }
}

const HINT =
  'is every id of the range mapped in the namespace of the runtime, and does the caller have CAP_SETUID there?';

/** In one write(2): the kernel takes no second one. */
function write(directory: number, file: string, text: string, message: string, pointer: string): void {
  const fd = mustSyscall({ message, pointer }, 'openat', directory, file, O_WRONLY | O_CLOEXEC, 0);
  try {
    const bytes = Buffer.from(text);
    mustSyscall({ message, pointer, hint: HINT }, 'write', fd, bytes, bytes.length);
  } finally {
    syscall('close', fd);
  }
}

function read(directory: number, file: string, pointer: string): string {
  const doing = { message: `read ${file} of the user namespace`, pointer };
  const fd = mustSyscall(doing, 'openat', directory, file, O_RDONLY | O_CLOEXEC, 0);
  try {
    return readFileSync(fd, 'latin1');
  } finally {
    syscall('close', fd);
  }
}

function runTool(kind: IdKind, pid: number, mappings: readonly IdMapping[], pointer: string): void {
  const tool = TOOLS[kind];
  const what = `map the ${kind}s of the user namespace with ${tool}`;
  if (!existsSync(tool)) {
    fail({
      code: 'host',
      message: `${what}: it is not there`,
      pointer,
      hint: `install it (package uidmap), or map one id, your own: {"containerID": 0, "hostID": …, "size": 1}`,
    });
  }
  const ranges = mappings.flatMap(({ containerID, hostID, size }) => [`${containerID}`, `${hostID}`, `${size}`]);
  const input = memoryFile('runt:no-input');
  const output = memoryFile('runt:map-output');
  try {
    const child = spawn({
      path: tool,
      args: [tool, String(pid), ...ranges],
      env: [],
      cwd: '/',
      stdio: [input, output, output],
      session: true,
    });
    if (child < 0) fail({ code: 'system', message: what, syscall: 'execve', errno: -child, pointer });
    const status = waitForChild(child);
    if (status !== undefined && 'exited' in status && status.exited === 0) return;
    const said = readFileSync(`/proc/self/fd/${output}`, 'utf8').trim();
    fail({
      code: 'system',
      message: `${what}: ${said === '' ? 'it failed' : said.split('\n').at(-1)}`,
      pointer,
      hint: `/etc/sub${kind} says which ${kind}s a user may map`,
    });
  } finally {
    syscall('close', input);
    syscall('close', output);
  }
}
