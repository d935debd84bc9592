// What people are told when a step of init or a hook that it ran has failed.

import type { Problem } from '../error.ts';
import { HOOK_MARK, MESSAGE } from '../init/messages.ts';
import { ERRNO, errnoText } from '../linux/errno.ts';
import type { StartStep } from './store.ts';

/** What a seccomp filter kills with. */
const SIGSYS = 31;

/** How a hook ended that failed: as it tells itself, or by what its process could not do to become it. */
export type HookEnd = { readonly type: number; readonly value: number } | { readonly errno: number };

/** "error running prestart hook #0: exit status 1 of /hook, stderr: the reason": the words that runc uses. `printed`: by the hook. */
export function hookProblem(kind: string, index: number | string, what: string, printed: string): Problem {
  const text = printed.slice(printed.lastIndexOf(HOOK_MARK) + 1).trimEnd();
  const lines = text === '' ? [] : text.split('\n');
  return {
    code: 'hook',
    message: `error running ${kind} hook #${index}: ${what}${lines.length === 0 ? '' : `, stderr: ${lines.at(-1)}`}`,
    pointer: `/hooks/${kind}/${index}`,
    ...(lines.length === 0 ? {} : { details: lines }),
  };
}

/** How a hook ended that init, or the runtime, ran. */
export function hookEnding(path: string, end: HookEnd): string {
  if ('errno' in end) return `exec ${path}: ${errnoText(end.errno)}`;
  const { type, value } = end;
  if (type === MESSAGE.hookTimeout) return `${path} took longer than its timeout of ${value} s`;
  if (type === MESSAGE.hookExited) return `exit status ${value} of ${path}`;
  return `${path} was killed by signal ${value}${value === SIGSYS ? ' (bad system call)' : ''}`;
}

/**
 * What init tells of the failure of a step: the record of the operation that failed, and before it, where that was a hook that ended badly, how. A hook that
 * could not be executed tells that itself, first of all.
 */
export function initProblem(step: StartStep, errno: number, hook: HookEnd | undefined, printed: () => string): Problem {
  const named = /^run (\w+) hook #(\d+): (.*)$/s.exec(step.sentence);
  if (named === null) return stepProblem(step, errno);
  const [, kind = '', index = '0', path = ''] = named;
  return hookProblem(kind, index, hookEnding(path, hook ?? { errno }), printed());
}

/** The problem that a step of init's plan failed with. */
export function stepProblem(step: StartStep, errno: number): Problem {
  const { sentence, syscall: name, pointer, hint } = step;
  const where = pointer === undefined ? {} : { pointer };
  // Docker reads these messages (exit status 126 or 127): the words are runc's and Go's, and stand alone.
  if (sentence.startsWith('exec')) {
    const known = sentence.endsWith('$PATH');
    const interpreter = name === 'execve' && errno === ERRNO.ENOENT;
    return {
      code: 'exec',
      message: known ? sentence : `${sentence}: ${errnoText(errno)}`,
      ...where,
      ...(interpreter
        ? { hint: 'the file is there, but not the interpreter that its first line or its ELF header names' }
        : {}),
    };
  }
  return {
    code: 'init',
    message: sentence,
    ...(name === undefined ? {} : { syscall: name }),
    errno,
    ...where,
    ...(hint === undefined ? {} : { hint }),
  };
}
