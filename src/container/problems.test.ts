import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../init/messages.ts';
import { ERRNO } from '../linux/errno.ts';
import { hookProblem, stepProblem } from './problems.ts';

test('a step that failed is told with its call, errno, pointer and hint', () => {
  const step = { operation: 3, sentence: 'mount proc on /proc', syscall: 'fsopen', pointer: '/mounts/0', hint: 'h' };
  assert.deepEqual(stepProblem(step, ERRNO.EPERM), {
    code: 'init',
    message: 'mount proc on /proc',
    syscall: 'fsopen',
    errno: ERRNO.EPERM,
    pointer: '/mounts/0',
    hint: 'h',
  });
});

test('a program that can’t be executed is told in the words that Docker maps to exit status 127 and 126', () => {
  const exec = { operation: 1, sentence: 'exec /run.sh', syscall: 'execve', pointer: '/process/args/0' };
  assert.equal(stepProblem(exec, ERRNO.ENOENT).message, 'exec /run.sh: no such file or directory');
  assert.match(stepProblem(exec, ERRNO.ENOENT).hint ?? '', /interpreter/);
  assert.equal(stepProblem(exec, ERRNO.EACCES).message, 'exec /run.sh: permission denied');
  const search = { operation: 1, sentence: 'exec: "x": executable file not found in $PATH' };
  assert.equal(stepProblem(search, ERRNO.ENOENT).message, search.sentence);
});

test('a hook of init is told with its kind, its index and its end', () => {
  const sentence = 'run startContainer hook #1: /h';
  const of = (type: number, value: number) => hookProblem(type, value, sentence, '/hooks/startContainer/1').message;
  assert.equal(of(MESSAGE.hookExited, 3), 'error running startContainer hook #1: /h: exit status 3');
  assert.equal(of(MESSAGE.hookKilled, 9), 'error running startContainer hook #1: /h: it was killed by signal 9');
  assert.match(of(MESSAGE.hookTimeout, 0), /longer than its timeout$/);
});
