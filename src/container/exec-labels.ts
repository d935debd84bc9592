// The labels of a program that exec adds; and where in what describes it an error lies.

import { RuntError } from '../error.ts';
import type { LabelSteps } from '../init/labels.ts';
import type { Log } from '../log.ts';
import type { Config, Process } from '../spec/generated/types.ts';
import type { ExecProcess } from './exec-process.ts';
import { asksForLabels } from './parts.ts';

/** As in runc: a description that names no label gets the container's. */
export function withLabelsOf(
  container: Process | undefined,
  { apparmorProfile, selinuxLabel, ...process }: Process,
): Process {
  const profile = apparmorProfile || container?.apparmorProfile;
  const label = selinuxLabel || container?.selinuxLabel;
  return {
    ...process,
    ...(profile === undefined ? {} : { apparmorProfile: profile }),
    ...(label === undefined ? {} : { selinuxLabel: label }),
  };
}

/** Throws `host` for what the host lacks. Mounts are made already. */
export async function labelsOfProgram(
  process: Process | undefined,
  given: ExecProcess,
  log: Log,
): Promise<LabelSteps | undefined> {
  const asked: Config = { ociVersion: '', ...(process === undefined ? {} : { process }) };
  if (!asksForLabels(asked)) return undefined;
  const { labelsFor } = await import('./labels.ts');
  try {
    return labelsFor(asked, log);
  } catch (error) {
    throw inDocument(error, given);
  }
}

/** A pointer to the process leads into the file of --process, where there is one; to what an option has changed, nowhere. */
export function inDocument(error: unknown, { document, changed }: ExecProcess): unknown {
  if (!(error instanceof RuntError)) return error;
  const { pointer, ...problem } = error.problem;
  if (pointer === undefined || !pointer.startsWith('/process')) return error;
  if (changed.some((prefix) => pointer.startsWith(prefix))) return new RuntError(problem, error);
  if (document === undefined) return error;
  return new RuntError({ ...error.problem, pointer: pointer.slice('/process'.length), document }, error);
}
