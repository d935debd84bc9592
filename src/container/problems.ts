// What people are told when a step of init or a hook that it ran has failed.

import type { Problem } from '../error.ts';
import { MESSAGE } from '../init/messages.ts';
import { ERRNO, errnoText } from '../linux/errno.ts';
import type { StartStep } from './store.ts';

/** What a seccomp filter kills with. */
const SIGSYS = 31;

/** What init tells of a hook that it ran. `sentence` is that of its step: "run KIND hook #N: PATH". `printed`: by the hook. */
export function hookProblem(
  type: number,
  value: number,
  sentence: string,
  pointer: string | undefined,
  printed = '',
): Problem {
  const what =
    type === MESSAGE.hookTimeout
      ? 'it took longer than its timeout'
      : type === MESSAGE.hookKilled
        ? `it was killed by signal ${value}${value === SIGSYS ? ' (bad system call)' : ''}`
        : `exit status ${value}`;
  const text = printed.trimEnd();
  const lines = text === '' ? [] : text.split('\n');
  return {
    code: 'hook',
    message: `error running ${sentence.replace(/^run /, '')}: ${what}${lines.length === 0 ? '' : `, stderr: ${lines.at(-1)}`}`,
    ...(pointer === undefined ? {} : { pointer }),
    ...(lines.length === 0 ? {} : { details: lines }),
  };
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
