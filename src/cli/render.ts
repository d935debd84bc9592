// The one place that renders a problem: as a line of text that is complete by itself, or as data.

import { type Problem, RuntError } from '../error.ts';
import { errnoName, errnoText } from '../linux/errno.ts';

/**
 * What was being done, to what, which system call failed and why, which value of config.json asked for it, what to do:
 * `mount /proc/sys read-only: mount_setattr: EPERM (operation not permitted) [config.json /linux/readonlyPaths/4]; hint`.
 * The kernel's words stay as they are: container engines look for them.
 */
export function problemText(problem: Problem): string {
  const parts = [oneLine(problem.message)];
  const reason = problem.errno === undefined ? undefined : `${errnoName(problem.errno)} (${errnoText(problem.errno)})`;
  if (problem.syscall !== undefined) parts.push(problem.syscall);
  if (reason !== undefined) parts.push(reason);
  const pointer =
    problem.pointer === undefined
      ? ''
      : ` ${oneLine(`[${problem.document ?? 'config.json'} ${problem.pointer === '' ? '/' : problem.pointer}]`)}`;
  const hint = problem.hint === undefined ? '' : `; ${oneLine(problem.hint)}`;
  return `${parts.join(': ')}${pointer}${hint}`;
}

/** A message may quote what a user or a kernel gave: the line stays one line. */
function oneLine(text: string): string {
  return printable(text.replace(/\s*[\n\r]+\s*/g, ' ').trim());
}

/** What a container's image, config or hook says must not steer the terminal of who reads it. */
function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\0-\x08\x0a-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

export interface ProblemData extends Problem {
  /** The errno's name. */
  readonly errnoName?: string;
  /** The same as `problemText`. */
  readonly text: string;
}

/** For `--format json`. */
export function problemData(problem: Problem): ProblemData {
  return {
    ...problem,
    ...(problem.errno === undefined ? {} : { errnoName: errnoName(problem.errno) }),
    text: problemText(problem),
  };
}

export interface RenderedError {
  readonly message: string;
  /** Lines before the message. */
  readonly details: readonly string[];
  /** For `--debug`: where it was thrown, and what caused it. Made on demand: an engine takes milliseconds for it. */
  readonly trace: () => readonly string[];
}

/** Anything that was thrown. What is not a RuntError is a defect of runt, and says so. */
export function renderError(thrown: unknown): RenderedError {
  const trace = () => traceOf(thrown);
  if (thrown instanceof RuntError) {
    return { message: problemText(thrown.problem), details: (thrown.problem.details ?? []).map(printable), trace };
  }
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return {
    message: oneLine(`a defect of runt, please report it: ${what}`),
    details: [],
    trace,
  };
}

function traceOf(thrown: unknown): string[] {
  const lines: string[] = [];
  let current: unknown = thrown;
  while (current instanceof Error) {
    lines.push(...(current.stack ?? current.message).split('\n').map((line) => line.trimEnd()));
    current = current.cause;
    if (current !== undefined) lines.push('caused by:');
  }
  if (current !== undefined && !(current instanceof Error)) lines.push(String(current));
  return lines;
}
