// What the front needs to carry out execs by itself (front/exec-record.ts): an engine is asked for it, as the command line of the exec stands, and
// does nothing else. The launcher is the same plan as that of the engine's own exec, with descriptors under fixed numbers. What is not
// plain, or is wrong, is not prepared: then the engine is asked again, for the exec itself, and tells.
// On the hot path of the first exec: koffi is not needed for it.

import { statSync, writeSync } from 'node:fs';
import { freezerOf } from '../cgroup/freezer.ts';
import {
  CHANNEL,
  EXEC_FILE,
  type ExecRecord,
  encodeExecRecord,
  FIRST_ENTRY,
  PIDFD,
  PROCESS_FILE,
} from '../front/exec-record.ts';
import { PREPARED, REPORT_FD } from '../front/run-protocol.ts';
import { compileExec } from '../init/compile-exec.ts';
import { lacksHome } from '../init/environment.ts';
import { encodeImage } from '../init/image.ts';
import type { ExecInputs } from '../init/inputs.ts';
import { unraisableCapabilities } from '../init/steps/identity.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH, O_WRONLY } from '../linux/mount-constants.ts';
import { isSameProcess } from '../linux/procfs.ts';
import { type Log, silentLog } from '../log.ts';
import type { Config } from '../spec/generated/types.ts';
import { integersOf } from '../spec/integers.ts';
import { labelsOfProgram, withLabelsOf } from './exec-labels.ts';
import { changedProcess, type ExecProcess, type ProcessChanges, processOf } from './exec-process.ts';
import { hasOwnMounts, namespacesToJoin } from './exec-target.ts';
import { asksForScheduling, loadFiltering } from './parts.ts';
import { type FoundHome, findHome } from './plain-home.ts';
import { isHostRoot } from './privileges.ts';
import { replaceFile } from './replace-file.ts';
import { readSavedConfig } from './saved-config.ts';
import { requireRecord } from './state.ts';
import { type ContainerRecord, directoryOf } from './store.ts';

/** The program is the front's to fill in. */
const PLAIN: ProcessChanges = { args: ['/'], env: [], additionalGids: [], capabilities: [], terminal: false };

/** Tells the front on REPORT_FD. `file` describes the process; absent: the container's own. Returns the exit status. */
export async function prepareExec(root: string, id: string, file: string | undefined): Promise<number> {
  try {
    const bytes = await prepare(root, id, file);
    if (bytes === undefined) return 1;
    const path = `${directoryOf(root, id)}/${file === undefined ? EXEC_FILE : PROCESS_FILE}`;
    // A front never reads a part of it.
    replaceFile(path, bytes);
    if (bytes === NEVER) return 1;
    writeSync(REPORT_FD, PREPARED);
    return 0;
  } catch {
    // The engine that is asked next meets the same, and reports it.
    return 1;
  }
}

/** What the front finds where it need not ask again. */
const NEVER = new Uint8Array(0);

async function prepare(root: string, id: string, file: string | undefined): Promise<Uint8Array | undefined> {
  if (!isHostRoot()) return undefined;
  const record = requireRecord({ root, id });
  const { init, ready, resourceClass } = record;
  if (init === undefined || !ready) return undefined;
  const saved = readSavedConfig(root, id);
  if (resourceClass !== undefined || !hasOwnMounts(saved.config)) return NEVER;
  const given = file === undefined ? await changedProcess(saved, PLAIN) : await processOf(file, saved.config);
  const { process } = given;
  if (process.terminal === true || asksForScheduling(process)) return undefined;
  // Every exec has to tell; and the front reads `args` under no other name.
  if ((given.warnings ?? []).length > 0) return undefined;
  const description = file === undefined ? undefined : await withoutArguments(file);
  if (description === 'unclear') return undefined;
  // Of what the container's own process can't have `create` has told; of this one every exec has to.
  if (file !== undefined && unraisableCapabilities(process.capabilities).length > 0) return undefined;
  const home = lacksHome(process.env) ? findHome(`/proc/${init.pid}/root`, process.user?.uid ?? 0) : undefined;
  if (home === 'unclear') return NEVER;
  if (home === 'young') return undefined;
  const { hooks: _, ...container } = saved.config;
  const config: Config = { ...container, process: withLabelsOf(saved.config.process, process) };
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warning: (message) => void warnings.push(message) };
  const labels = await labelsOfProgram(config.process, given, log);
  const profile = config.linux?.seccomp;
  const filtering =
    profile === undefined ? undefined : await loadFiltering(root, profile, integersOf(saved.text, saved.config), log);
  if (filtering?.filter.notifies === true) return NEVER;
  // Before it is decided which are joined: one that init enters in between is another than the front is to find.
  const namespaces = {
    userNamespace: inode('/proc/self/ns/user'),
    timeNamespace: inode('/proc/self/ns/time'),
    initsUserNamespace: inode(`/proc/${init.pid}/ns/user`),
    initsTimeNamespace: inode(`/proc/${init.pid}/ns/time`),
  };
  const { inputs, opened } = inputsFor(record, config, given, init.pid, home);
  const plan = compileExec({
    ...inputs,
    ...(filtering === undefined ? {} : { seccomp: filtering.filter }),
    ...(labels === undefined ? {} : { labels }),
  });
  filtering?.check(plan);
  const image = encodeImage(plan, globalThis.process.arch === 'arm64' ? 'arm64' : 'x64');
  const header = encodeExecRecord(
    {
      pid: init.pid,
      startTime: init.startTime,
      ...namespaces,
      ...(home === undefined ? {} : { passwd: home.passwd }),
      opened,
      expected: thawed(record),
      ...(description === undefined ? {} : { description }),
    },
    image.length,
  );
  // Last: what was looked up in /proc was init's.
  if (header === undefined || warnings.length > 0 || !isSameProcess(init.pid, init.startTime)) return undefined;
  return Buffer.concat([header, image]);
}

function inputsFor(
  { id, cgroups, newKeyring }: ContainerRecord,
  config: Config,
  { exactInteger }: ExecProcess,
  pid: number,
  home: FoundHome | undefined,
): { readonly inputs: ExecInputs; readonly opened: ExecRecord['opened'] } {
  const opened: { path: string; flags: number }[] = [];
  const open = (path: string, flags: number): { fd: number; text: string } => {
    opened.push({ path, flags: flags | O_CLOEXEC });
    return { fd: FIRST_ENTRY + opened.length - 1, text: path };
  };
  let directory: ReturnType<typeof open> | undefined;
  const entries: ExecInputs['cgroups']['entries'][number][] = [];
  for (const { version, controllers, path } of cgroups.cgroups) {
    if (version === 2) directory = open(path, O_PATH | O_DIRECTORY);
    else entries.push({ controllers, file: open(`${path}/tasks`, O_WRONLY) });
  }
  const namespaces = namespacesToJoin(pid);
  const inputs: ExecInputs = {
    config,
    id,
    channel: { fd: CHANNEL, text: 'runtime' },
    cgroups: { entries, ...(directory === undefined ? {} : { directory }) },
    target: { pidfd: { fd: PIDFD, text: `init of ${id}` }, namespaces },
    ...(namespaces.includes('user')
      ? {
          userNamespace: {
            kind: 'joined',
            isCallerRoot: true,
            setgroups: 'unknown',
            treesBy: 'launcher',
            trees: [],
          },
        }
      : {}),
    preserveFds: 0,
    newKeyring,
    ...(home === undefined ? {} : { home: home.path }),
    streamsToGive: 'others',
    waits: false,
    takesArguments: true,
    exactInteger,
  };
  return { inputs, opened };
}

function inode(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

/** What the freezer's files begin with where the container is not paused (cgroup/freezer.ts). */
function thawed({ cgroups }: ContainerRecord): ExecRecord['expected'] {
  const freezer = freezerOf(cgroups);
  if (freezer === undefined) return [];
  return freezer.version === 1
    ? [{ path: `${freezer.path}/freezer.state`, first: 'T' }]
    : [{ path: `${freezer.path}/cgroup.freeze`, first: '0' }];
}

/** The two parts of the description around its `args`, which stand there as Go and JSON.stringify write them. */
async function withoutArguments(file: string): Promise<ExecRecord['description'] | 'unclear'> {
  const { readDocument } = await import('../spec/read.ts');
  const text = readDocument(file, true);
  const begin = '"args":';
  const at = text.indexOf(begin) + begin.length;
  // Of two such places it is not clear which one counts.
  if (at < begin.length || text.includes(begin, at)) return 'unclear';
  const end = endOfStrings(text, at);
  if (end === undefined) return 'unclear';
  const [before, behind] = [text.slice(0, at), text.slice(end)];
  const { args, ...others } = JSON.parse(text) as { args?: unknown };
  const emptied = JSON.parse(`${before}[]${behind}`) as { args?: unknown };
  // The process's own, not those of something in it.
  const same = JSON.stringify(emptied) === JSON.stringify({ ...(JSON.parse(text) as object), args: [] });
  if (!same || !Array.isArray(args) || Object.keys(others).length === 0) return 'unclear';
  return { before: Buffer.from(before), behind: Buffer.from(behind) };
}

/** Behind an array of strings without white space. */
function endOfStrings(text: string, at: number): number | undefined {
  const strings = /\[(?:"(?:[^"\\]|\\.)*",?)+\]/y;
  strings.lastIndex = at;
  return strings.test(text) ? strings.lastIndex : undefined;
}
