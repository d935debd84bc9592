// The program that exec adds: what a file describes, or the container's own process as the command line changes it.

import { fail } from '../error.ts';
import { capabilityNumber } from '../linux/capabilities.ts';
import type { Config, Process } from '../spec/generated/types.ts';
import { mayHaveLongNumbers } from '../spec/scan.ts';
import type { SavedConfig } from './saved-config.ts';

/** What exec's options change of the container's own process. */
export interface ProcessChanges {
  readonly args: readonly string[];
  readonly cwd?: string;
  /** NAME=VALUE. */
  readonly env: readonly string[];
  /** UID or UID:GID. */
  readonly user?: string;
  readonly additionalGids: readonly string[];
  readonly capabilities: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly terminal: boolean;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
}

export interface ExecProcess {
  readonly process: Process;
  /** By pointers that begin with /process. */
  readonly exactInteger: (pointer: string) => bigint | undefined;
  /** Where a pointer leads: the file of --process; config.json where absent. */
  readonly document?: string;
  /** What is to be told about the document. */
  readonly warnings?: readonly string[];
  /** Pointers to what comes from the command line, and from no document. */
  readonly changed: readonly string[];
}

/** Throws `usage`, `config`. */
export async function changedProcess(saved: SavedConfig, changes: ProcessChanges): Promise<ExecProcess> {
  const { config, text } = saved;
  if (changes.args.length === 0)
    usage('there is no program to execute', 'name it after the container, or give a file with --process');
  const { cwd, user, apparmorProfile, selinuxLabel, terminal } = changes;
  if (cwd !== undefined && !cwd.startsWith('/'))
    usage(`--cwd ${JSON.stringify(cwd)}: the working directory is an absolute path`);
  const of: Partial<Process> = config.process ?? {};
  const changed = ['/process/args'];
  if (cwd !== undefined) changed.push('/process/cwd');
  if (user !== undefined) changed.push('/process/user');
  if (terminal) changed.push('/process/terminal');
  if (apparmorProfile !== undefined) changed.push('/process/apparmorProfile');
  if (selinuxLabel !== undefined) changed.push('/process/selinuxLabel');
  return {
    changed,
    process: {
      ...of,
      args: changes.args,
      cwd: cwd ?? of.cwd ?? '/',
      env: [...(of.env ?? []), ...changes.env],
      user: {
        ...of.user,
        ...(user === undefined ? {} : userOf(user)),
        ...(changes.additionalGids.length === 0
          ? {}
          : { additionalGids: [...(of.user?.additionalGids ?? []), ...changes.additionalGids.map(groupOf)] }),
      },
      terminal,
      ...(changes.capabilities.length === 0
        ? {}
        : { capabilities: withCapabilities(of.capabilities, changes.capabilities) }),
      ...(changes.noNewPrivileges === undefined ? {} : { noNewPrivileges: changes.noNewPrivileges }),
      ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
      ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    },
    exactInteger: await exactIntegers(text, config),
  };
}

/**
 * Reads the file of --process; "-" is standard input. How the program is scheduled, and where, is as for the container's own where the file does not
 * say it, as with runc. Throws `config` with all findings.
 */
export async function processOf(file: string, { process: own }: Config): Promise<ExecProcess> {
  const { readDocument } = await import('../spec/read.ts');
  const { loadProcess } = await import('../spec/load-process.ts');
  const document = file === '-' ? 'standard input' : file;
  const { process, text, warnings } = await loadProcess(readDocument(file, true), document);
  const exactInteger = await exactIntegers(text, process);
  const inherited = INHERITED.filter((name) => process[name] === undefined && own?.[name] !== undefined);
  return {
    process: { ...Object.fromEntries(inherited.map((name) => [name, own?.[name]])), ...process },
    document,
    warnings: warnings.map(({ pointer, message }) => `${document}: ${pointer}: ${message}`),
    changed: inherited.map((name) => `/process/${name}`),
    exactInteger: (pointer) => exactInteger(pointer.slice('/process'.length)),
  };
}

/** JSON.parse has rounded what is beyond 2^53: the limit "infinity" is 2^64 - 1. */
async function exactIntegers(text: string, document: Config | Process): Promise<ExecProcess['exactInteger']> {
  if (!mayHaveLongNumbers(text)) return () => undefined;
  const { integersOf } = await import('../spec/integers.ts');
  return integersOf(text, document);
}

const INHERITED = ['scheduler', 'ioPriority', 'execCPUAffinity'] as const;

function usage(message: string, hint?: string): never {
  return fail({ code: 'usage', message, ...(hint === undefined ? {} : { hint }) });
}

/** The kernel takes 2^32 - 1 for "no change" (setresuid(2)). */
const MOST = 4294967294;

function idOf(text: string, what: string, all: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > MOST)
    usage(`${all}: ${JSON.stringify(text)} is no ${what}`, `a number from 0 to ${MOST}; names are not looked up`);
  return Number(text);
}

/** Both ids exactly as they are written, or an error (CVE-2026-30892: one of two branches forgot the uid). */
function userOf(text: string): { uid: number; gid?: number } {
  const [uid = '', gid, ...more] = text.split(':');
  if (more.length > 0) usage(`--user ${JSON.stringify(text)}: UID or UID:GID is expected`);
  const all = `--user ${JSON.stringify(text)}`;
  return { uid: idOf(uid, 'user id', all), ...(gid === undefined ? {} : { gid: idOf(gid, 'group id', all) }) };
}

function groupOf(text: string): number {
  return idOf(text, 'group id', '--additional-gids');
}

/**
 * Not inheritable: a program of the image's with inheritable file capabilities would get them (CVE-2022-29162). Ambient where the
 * container's own process can have it so.
 */
function withCapabilities(of: Process['capabilities'], added: readonly string[]): NonNullable<Process['capabilities']> {
  for (const name of added)
    if (capabilityNumber(name) === undefined)
      usage(`--cap ${JSON.stringify(name)}: there is no such capability`, 'they are written as CAP_NET_RAW');
  const with_ = (names: readonly string[] | undefined): readonly string[] => [...(names ?? []), ...added];
  const ambient = added.filter((name) => of?.inheritable?.includes(name) === true);
  return {
    ...of,
    bounding: with_(of?.bounding),
    effective: with_(of?.effective),
    permitted: with_(of?.permitted),
    ...(ambient.length === 0 ? {} : { ambient: [...(of?.ambient ?? []), ...ambient] }),
  };
}
